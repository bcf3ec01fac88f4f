#include "common/wire/messages.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/wire/frame.h"

namespace rondo::wire {
namespace {

using ::testing::HasSubstr;

const std::string kDigest(64, 'a');

Offer TrainOffer() {
  Offer offer{.kind = OfferKind::kTrain, .round = 7, .model_sha256 = kDigest};
  offer.train.round = 7;
  offer.train.seed = 0xFFFFFFFFFFFFFFFF;
  offer.train.client.steps = 5;
  offer.train.client.loss = "bce";
  offer.train.client.feedback_share = 0.25;
  offer.train.client.calibration = 0.5;
  offer.train.control_variates = true;
  offer.train.dynamic_alpha = 0.125;
  offer.train.compression = {
      .stages = {"low_rank", "quantise"}, .rank = 4, .top_k = 0.5, .bits = 3};
  offer.train.weighting.max_weight = 99;
  offer.train.grid = {.kind = GridSpec::Kind::kRing, .bits = 32, .step = 0.25, .limit = 8.0};
  return offer;
}

Offer EvaluateOffer() {
  Offer offer{.kind = OfferKind::kEvaluate, .round = 8, .model_sha256 = kDigest};
  offer.evaluate = {
      .round = 8, .split = Split::kTest, .protocols = {"full", "sampled:99"}, .k = {5, 10}};
  offer.evaluate.fine_tune = 3;
  offer.evaluate.client.learning_rate = 0.75;
  offer.evaluate.seed = 41;
  offer.evaluate.data_seed = 42;
  return offer;
}

Enrolled EnrolledMessage() {
  Enrolled message{.certificate_pem = "c",
                   .authority_pem = "a",
                   .data = {},
                   .catalogue_sha256 = kDigest,
                   .trust_mode = "masked"};
  message.data.events = {{"buy", "target"}};
  message.data.split = "global_time";
  message.data.validation_from = 5.5;
  message.data.seed = 0xFFFFFFFFFFFFFFFF;
  return message;
}

const std::vector<Message>& Valid() {
  static const std::vector<Message> kMessages = {
      Hello{.software_version = "1.2", .catalogue_sha256 = kDigest, .model_sha256 = kDigest},
      Welcome{.run_id = "r",
              .name = "n",
              .catalogue_sha256 = kDigest,
              .items = 5,
              .layout_digest = kDigest},
      Reject{.code = ErrorCode::kUnsupported, .message = "no"},
      Heartbeat{},
      Goodbye{.reason = "enough"},
      Finish{.model_sha256 = kDigest},
      TrainOffer(),
      EvaluateOffer(),
      RoundResult{.round = 7, .included = true, .model_sha256 = kDigest},
      Decline{.round = 7, .kind = OfferKind::kEvaluate, .reason = "busy"},
      ModelChunk{.sha256 = kDigest, .total = 3, .offset = 0, .bytes = "abc"},
      ContributionChunk{.round = 7, .total = 3, .offset = 1, .bytes = "bc"},
      Aggregation{.round = 7, .payload = {9}},
      Enrol{.request = {1, 2}, .token = Enrol::Token()},
      EnrolledMessage(),
      CatalogueChunk{.total = 3, .offset = 1, .bytes = "bc"},
      MemberRoster{.text = "rondo-roster 1\n"},
  };
  return kMessages;
}

TEST(Messages, EveryKindComesBackWithTheSameBytes) {
  for (const Message& message : Valid()) {
    const Bytes frame = Encode(message);
    const auto decoded = Decode(frame);
    ASSERT_TRUE(decoded.has_value()) << MessageName(message) << ": " << decoded.error().message;
    EXPECT_EQ(decoded.value().index(), message.index());
    EXPECT_EQ(Encode(decoded.value()), frame) << MessageName(message);
  }
}

TEST(Messages, AHelloSaysWhetherItOnlyLooks) {
  for (const bool only_looks : {false, true}) {
    const Hello hello{.catalogue_sha256 = kDigest, .only_looks = only_looks};
    EXPECT_EQ(std::get<Hello>(Decode(Encode(hello)).value()).only_looks, only_looks);
  }
}

TEST(Messages, AnOfferKeepsEveryField) {
  const Offer offer = std::get<Offer>(Decode(Encode(TrainOffer())).value());
  EXPECT_EQ(offer.train.seed, 0xFFFFFFFFFFFFFFFF);
  EXPECT_EQ(offer.train.round, 7U);
  EXPECT_EQ(offer.train.client.steps, 5);
  EXPECT_EQ(offer.train.client.loss, "bce");
  EXPECT_EQ(offer.train.client.feedback_share, 0.25);
  EXPECT_TRUE(offer.train.control_variates);
  EXPECT_EQ(offer.train.dynamic_alpha, 0.125);
  EXPECT_EQ(offer.train.compression, TrainOffer().train.compression);
  EXPECT_EQ(offer.train.weighting.max_weight, 99U);
  EXPECT_EQ(offer.train.grid, TrainOffer().train.grid);
  const Offer evaluate = std::get<Offer>(Decode(Encode(EvaluateOffer())).value());
  EXPECT_EQ(evaluate.evaluate.split, Split::kTest);
  EXPECT_EQ(evaluate.evaluate.k, (std::vector<int>{5, 10}));
  EXPECT_EQ(evaluate.evaluate.fine_tune, 3);
  EXPECT_EQ(evaluate.evaluate.client.learning_rate, 0.75);
  EXPECT_EQ(evaluate.evaluate.seed, 41U);
  EXPECT_EQ(evaluate.evaluate.data_seed, 42U);
}

TEST(Messages, AnEnrolmentKeepsEveryField) {
  const Enrolled got = std::get<Enrolled>(Decode(Encode(EnrolledMessage())).value());
  EXPECT_EQ(got.certificate_pem, "c");
  EXPECT_EQ(got.authority_pem, "a");
  EXPECT_EQ(got.trust_mode, "masked");
  EXPECT_EQ(got.data.events, EnrolledMessage().data.events);
  EXPECT_EQ(got.data.split, "global_time");
  EXPECT_EQ(got.data.validation_from, 5.5);
  EXPECT_EQ(got.data.seed, 0xFFFFFFFFFFFFFFFF);
  EXPECT_EQ(got.data.min_user_events, DataConfig().min_user_events);

  Enrol enrol{.request = {1, 2, 3}};
  enrol.roster_key.fill(4);
  enrol.roster_signature.fill(5);
  const Enrol renewal = std::get<Enrol>(Decode(Encode(enrol)).value());
  EXPECT_FALSE(renewal.token.has_value());
  EXPECT_EQ(renewal.request, enrol.request);
  EXPECT_EQ(renewal.roster_key, enrol.roster_key);
  EXPECT_EQ(renewal.roster_signature, enrol.roster_signature);
  enrol.token = Enrol::Token();
  enrol.token->key.fill(6);
  enrol.token->signature.fill(7);
  const Enrol newcomer = std::get<Enrol>(Decode(Encode(enrol)).value());
  EXPECT_EQ(newcomer.token->key, enrol.token->key);
  EXPECT_EQ(newcomer.token->signature, enrol.token->signature);
}

TEST(Messages, ALongRequestIsRefused) {
  EXPECT_EQ(Decode(Encode(Enrol{.request = Bytes((4 << 10) + 1)})).error().code,
            ErrorCode::kCorrupt);
}

TEST(Messages, WhatIsSignedToEnrolIsTheDocumentedText) {
  Enrol enrol{.request = {'a', 'b', 'c'}};
  enrol.roster_key.fill(0x22);
  const Bytes binding(32, 0x11);
  std::string expected("rondo/enrol/1\0", 14);
  expected += std::string(32, '\x11');
  // SHA-256 of "abc" (FIPS 180-4).
  for (const int byte : {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                         0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                         0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad}) {
    expected += static_cast<char>(byte);
  }
  expected += std::string(32, '\x22');

  EXPECT_EQ(AsText(EnrolTranscript(enrol, binding)), expected);
}

TEST(Messages, AnOfferWithoutCompressionAndFineTuningHasTheBuiltInOnes) {
  Offer train = TrainOffer();
  train.train.compression = {.bits = 3};
  Offer evaluate = EvaluateOffer();
  evaluate.evaluate.fine_tune = 0;

  const Offer trained = std::get<Offer>(Decode(Encode(train)).value());
  const Offer evaluated = std::get<Offer>(Decode(Encode(evaluate)).value());

  EXPECT_EQ(trained.train.compression, CompressionConfig());
  EXPECT_EQ(evaluated.evaluate.fine_tune, 0);
  EXPECT_EQ(evaluated.evaluate.client.learning_rate, ClientConfig().learning_rate);
}

TEST(Messages, AWelcomeNamesWhatStaysWithClientsAndHowTheyTrain) {
  Welcome welcome{.catalogue_sha256 = kDigest, .items = 5, .layout_digest = kDigest};
  welcome.model.personal = {"position.", "blocks.1."};
  welcome.model.frozen = {"item."};
  welcome.model.encoder = "gru";
  welcome.model.forms = {"window", "gated"};
  welcome.model.window = 9;
  welcome.model.top_k = 3;
  welcome.strategy.dynamic_alpha = 0.5;
  welcome.evaluation.fine_tune = 2;

  const auto got = std::get<Welcome>(Decode(Encode(welcome)).value());

  EXPECT_EQ(got.model.personal, welcome.model.personal);
  EXPECT_EQ(got.model.frozen, welcome.model.frozen);
  EXPECT_EQ(got.model.encoder, welcome.model.encoder);
  EXPECT_EQ(got.model.forms, welcome.model.forms);
  EXPECT_EQ(got.model.window, 9);
  EXPECT_EQ(got.model.top_k, 3);
  EXPECT_EQ(got.strategy.dynamic_alpha, 0.5);
  EXPECT_EQ(got.evaluation.fine_tune, 2);
}

TEST(Messages, EveryPrefixIsAnError) {
  for (const Message& message : Valid()) {
    const Bytes frame = Encode(message);
    for (std::size_t size = 0; size < frame.size(); ++size) {
      const auto decoded = Decode(ByteView(frame).first(size));
      ASSERT_FALSE(decoded.has_value()) << MessageName(message) << " of " << size << " bytes";
      EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
    }
  }
}

TEST(Messages, EveryFlippedByteGivesAnErrorOrAValidMessage) {
  for (const Message& message : Valid()) {
    Bytes frame = Encode(message);
    for (std::uint8_t& byte : frame) {
      const std::uint8_t good = byte;
      for (const int mask : {0x01, 0x10, 0x80, 0xFF}) {
        byte = static_cast<std::uint8_t>(good ^ mask);
        const auto decoded = Decode(frame);
        if (decoded) {
          EXPECT_TRUE(Decode(Encode(decoded.value())).has_value()) << MessageName(message);
        } else {
          EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
        }
      }
      byte = good;
    }
  }
}

TEST(Messages, ControlCharactersOfAPeerReachNobody) {
  const std::string evil =
      "\x1b[2J\r\nround 9: fine\x7f\xc2\x9b"
      "31m \xc3\xa9\xe4\xb8\xad";
  const std::string shown = "?[2J??round 9: fine??31m \xc3\xa9\xe4\xb8\xad";
  const auto goodbye = Decode(Encode(Goodbye{.reason = evil}));
  const auto decline = Decode(Encode(Decline{.reason = evil}));
  const auto reject = Decode(Encode(Reject{.message = evil}));
  const auto hello = Decode(Encode(Hello{.software_version = evil, .catalogue_sha256 = kDigest}));
  const auto welcome = Decode(Encode(
      Welcome{.name = evil, .catalogue_sha256 = kDigest, .items = 5, .layout_digest = kDigest}));
  EXPECT_EQ(std::get<Goodbye>(goodbye.value()).reason, shown);
  EXPECT_EQ(std::get<Decline>(decline.value()).reason, shown);
  EXPECT_EQ(std::get<Reject>(reject.value()).message, shown);
  EXPECT_EQ(std::get<Hello>(hello.value()).software_version, shown);
  EXPECT_EQ(std::get<Welcome>(welcome.value()).name, shown);
}

TEST(Messages, LongTextsAreCutBetweenCharacters) {
  for (std::size_t shift = 0; shift < 4; ++shift) {
    std::string reason(shift, 'x');
    while (reason.size() < 300) {
      reason += "\xf0\x9f\x8d\x8e";  // Four bytes a character.
    }
    const auto decoded = Decode(Encode(Goodbye{.reason = reason}));
    ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
    const std::string& got = std::get<Goodbye>(decoded.value()).reason;
    EXPECT_EQ(got, reason.substr(0, got.size()));
    EXPECT_EQ(got.size(), shift == 0 ? 256U : 252U + shift);
  }
}

TEST(Messages, AMessageThatNobodyWouldTakeIsAnErrorAndNoCrash) {
  Welcome welcome{.catalogue_sha256 = kDigest, .items = 5, .layout_digest = kDigest};
  EXPECT_TRUE(CheckSendable(welcome).has_value());
  welcome.model.features.assign(1000, std::string(200, 'f'));  // 200 KB in a frame of 64 KiB.
  Offer offer = EvaluateOffer();
  offer.evaluate.k.assign(65, 1);
  for (const Message& message : {Message(welcome), Message(offer)}) {
    const Status checked = CheckSendable(message);
    ASSERT_FALSE(checked.has_value()) << MessageName(message);
    EXPECT_EQ(checked.error().code, ErrorCode::kInvalidArgument);
  }
}

struct OutOfBounds {
  std::string name;
  Message message;
  std::string says;
};

TEST(Messages, FieldsOutOfBoundsAreNamed) {
  Offer no_batch = TrainOffer();
  no_batch.train.client.batch_size = 0;
  Offer nan_dropout = TrainOffer();
  nan_dropout.train.dropout = std::numeric_limits<double>::quiet_NaN();
  Offer much_feedback = TrainOffer();
  much_feedback.train.client.feedback_share = 1.5;
  Offer no_step = TrainOffer();
  no_step.train.grid.step = 0.0;
  Offer wild_alpha = TrainOffer();
  wild_alpha.train.dynamic_alpha = std::numeric_limits<double>::infinity();
  Offer strange_stage = TrainOffer();
  strange_stage.train.compression.stages = {"gzip"};
  Offer many_stages = TrainOffer();
  many_stages.train.compression.stages.assign(4, "top_k");
  Offer no_rank = TrainOffer();
  no_rank.train.compression.rank = 0;
  Offer no_share = TrainOffer();
  no_share.train.compression.top_k = 0.0;
  Offer one_bit = TrainOffer();
  one_bit.train.compression.bits = 1;
  Offer long_tuning = EvaluateOffer();
  long_tuning.evaluate.fine_tune = 10'001;
  Offer tuning_without_batch = EvaluateOffer();
  tuning_without_batch.evaluate.client.batch_size = 0;
  Welcome many_words{.catalogue_sha256 = kDigest, .items = 5, .layout_digest = kDigest};
  many_words.model.frozen.assign(1025, "x");
  Welcome nan_alpha{.catalogue_sha256 = kDigest, .items = 5, .layout_digest = kDigest};
  nan_alpha.strategy.dynamic_alpha = std::numeric_limits<double>::quiet_NaN();
  const OutOfBounds cases[] = {
      {"digest", Hello{.catalogue_sha256 = "xyz"}, "catalogue_sha256"},
      {"items",
       Welcome{.catalogue_sha256 = kDigest, .items = 0, .layout_digest = kDigest},
       "items"},
      {"batch", no_batch, "batch_size"},
      {"nan", nan_dropout, "dropout"},
      {"share", much_feedback, "feedback_share"},
      {"grid", no_step, "grid.step"},
      {"alpha", wild_alpha, "dynamic_alpha"},
      {"stage", strange_stage, "compression.stages names a stage"},
      {"stages", many_stages, "compression.stages has more than 3"},
      {"rank", no_rank, "compression.rank"},
      {"top_k", no_share, "compression.top_k"},
      {"bits", one_bit, "compression.bits"},
      {"fine_tune", long_tuning, "fine_tune"},
      {"tuning", tuning_without_batch, "batch_size"},
      {"words", many_words, "model.frozen"},
      {"strategy", nan_alpha, "strategy"},
  };
  for (const OutOfBounds& row : cases) {
    const auto decoded = Decode(Encode(row.message));
    ASSERT_FALSE(decoded.has_value()) << row.name;
    EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(decoded.error().message, HasSubstr(row.says));
  }
}

TEST(Frame, LengthsAboveTheCapOfTheTypeAreRefusedFromTheHeaderAlone) {
  for (std::uint8_t type = 1; type <= 12; ++type) {
    const std::uint32_t length = FrameCap(type) + 1;
    const auto header = ParseFrameHeader({static_cast<std::uint8_t>(length >> 24),
                                          static_cast<std::uint8_t>(length >> 16),
                                          static_cast<std::uint8_t>(length >> 8),
                                          static_cast<std::uint8_t>(length),
                                          type,
                                          kFrameVersion});
    ASSERT_FALSE(header.has_value()) << int{type};
    EXPECT_EQ(header.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_EQ(FrameCap(0), 0U);
  EXPECT_EQ(FrameCap(255), 0U);
}

}  // namespace
}  // namespace rondo::wire
