#include "common/wire/messages.h"

#include <cmath>
#include <limits>
#include <sys/resource.h>

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
  offer.train.weighting.max_weight = 99;
  offer.train.grid = {.kind = GridSpec::Kind::kRing, .bits = 32, .step = 0.25, .limit = 8.0};
  return offer;
}

Offer EvaluateOffer() {
  Offer offer{.kind = OfferKind::kEvaluate, .round = 8, .model_sha256 = kDigest};
  offer.evaluate = {
      .round = 8, .split = Split::kTest, .protocols = {"full", "sampled:99"}, .k = {5, 10}};
  return offer;
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

TEST(Messages, AnOfferKeepsEveryField) {
  const Offer offer = std::get<Offer>(Decode(Encode(TrainOffer())).value());
  EXPECT_EQ(offer.train.seed, 0xFFFFFFFFFFFFFFFF);
  EXPECT_EQ(offer.train.round, 7U);
  EXPECT_EQ(offer.train.client.steps, 5);
  EXPECT_EQ(offer.train.client.loss, "bce");
  EXPECT_EQ(offer.train.client.feedback_share, 0.25);
  EXPECT_EQ(offer.train.weighting.max_weight, 99U);
  EXPECT_EQ(offer.train.grid, TrainOffer().train.grid);
  const Offer evaluate = std::get<Offer>(Decode(Encode(EvaluateOffer())).value());
  EXPECT_EQ(evaluate.evaluate.split, Split::kTest);
  EXPECT_EQ(evaluate.evaluate.k, (std::vector<int>{5, 10}));
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
  const OutOfBounds cases[] = {
      {"digest", Hello{.catalogue_sha256 = "xyz"}, "catalogue_sha256"},
      {"items",
       Welcome{.catalogue_sha256 = kDigest, .items = 0, .layout_digest = kDigest},
       "items"},
      {"batch", no_batch, "batch_size"},
      {"nan", nan_dropout, "dropout"},
      {"share", much_feedback, "feedback_share"},
      {"grid", no_step, "grid.step"},
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
  EXPECT_EQ(FrameCap(13), 0U);
}

/// The numbers of MakeContribution.
constexpr std::uint64_t kElements = 7;

Contribution MakeContribution() {
  Contribution contribution{
      .round = 3, .weight = 17, .loss = std::nan(""), .saturated = 2, .seconds = 0.5};
  contribution.blocks.push_back(
      {.name = "delta", .layout_digest = kDigest, .reals = {1.5F, -2.25F, 0.0F}});
  contribution.blocks.push_back({.name = "metrics",
                                 .layout_digest = kDigest,
                                 .scaling = Scaling::kPerClient,
                                 .integers = {-1, 1LL << 40}});
  contribution.blocks.push_back(
      {.name = "ring",
       .layout_digest = kDigest,
       .grid = {.kind = GridSpec::Kind::kRing, .bits = 20, .step = 0.5, .limit = 4},
       .integers = {0, (1 << 20) - 1}});
  contribution.blocks.push_back(
      {.name = "packed", .layout_digest = kDigest, .packed = {0x00, 0xFF, 0x80}});
  return contribution;
}

TEST(Contribution, ComesBackUnchanged) {
  const auto decoded = DecodeContribution(EncodeContribution(MakeContribution()), kElements);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
  const Contribution& got = decoded.value();
  EXPECT_EQ(got.weight, 17U);
  EXPECT_TRUE(std::isnan(got.loss));
  ASSERT_EQ(got.blocks.size(), 4U);
  EXPECT_EQ(got.blocks[0].reals, (std::vector<float>{1.5F, -2.25F, 0.0F}));
  EXPECT_EQ(got.blocks[1].integers, (std::vector<std::int64_t>{-1, 1LL << 40}));
  EXPECT_EQ(got.blocks[2].integers, (std::vector<std::int64_t>{0, (1 << 20) - 1}));
  EXPECT_EQ(got.blocks[2].grid, MakeContribution().blocks[2].grid);
  EXPECT_EQ(got.blocks[3].packed, (Bytes{0x00, 0xFF, 0x80}));
  EXPECT_TRUE(got.blocks[3].reals.empty());
  EXPECT_TRUE(got.blocks[3].integers.empty());
}

TEST(Contribution, BrokenBytesGiveAnErrorOrAValidContribution) {
  const Bytes good = EncodeContribution(MakeContribution());
  for (std::size_t i = 0; i < good.size(); ++i) {
    const auto prefix = DecodeContribution(ByteView(good).first(i), kElements);
    if (!prefix) {
      EXPECT_EQ(prefix.error().code, ErrorCode::kCorrupt);
    }
    for (const int mask : {0x01, 0x10, 0x80, 0xFF}) {
      Bytes bad = good;
      bad[i] = static_cast<std::uint8_t>(bad[i] ^ mask);
      const auto decoded = DecodeContribution(bad, kElements);
      if (!decoded) {
        EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
      }
    }
  }
}

/// The most memory that this process has held so far, in bytes.
std::int64_t PeakMemory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * std::int64_t{1024};
}

TEST(Contribution, ManyEmptyBlocksAreRefusedBeforeTheyTakeMemory) {
  Bytes bytes;
  for (int i = 0; i < 4'000'000; ++i) {
    bytes.push_back(7 << 3 | 2);  // Field 7, a message
    bytes.push_back(0);           // of no bytes.
  }
  const std::int64_t before = PeakMemory();

  const auto decoded = DecodeContribution(bytes, kElements);

  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(decoded.error().message, HasSubstr("more than 64"));
  EXPECT_LT(PeakMemory() - before, std::int64_t{16} << 20);
}

TEST(Contribution, MoreNumbersThanTheLayoutHasAreRefused) {
  for (const std::uint64_t elements : {std::uint64_t{0}, std::uint64_t{2}, kElements - 1}) {
    const auto decoded = DecodeContribution(EncodeContribution(MakeContribution()), elements);
    ASSERT_FALSE(decoded.has_value()) << elements;
    EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(decoded.error().message, HasSubstr("more numbers than the layout has"));
  }
}

TEST(Contribution, MorePackedBytesThanTheLayoutAllowsAreRefused) {
  Contribution large = MakeContribution();
  large.blocks[3].packed.assign(ContributionCap(0) + 1, 0);

  const auto none_left = DecodeContribution(EncodeContribution(large), kElements);
  const auto one_left = DecodeContribution(EncodeContribution(large), kElements + 1);

  ASSERT_FALSE(none_left.has_value());
  EXPECT_EQ(none_left.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(none_left.error().message, HasSubstr("more than the layout allows"));
  EXPECT_TRUE(one_left.has_value());
}

TEST(Contribution, PackedNumbersOnTheRingAreRefused) {
  Contribution ring = MakeContribution();
  ring.blocks[3].grid = ring.blocks[2].grid;

  const auto decoded = DecodeContribution(EncodeContribution(ring), kElements);

  ASSERT_FALSE(decoded.has_value());
  EXPECT_THAT(decoded.error().message, HasSubstr("outside the exact grid"));
}

TEST(Contribution, RefusesRepeatedNamesZeroWeightAndValuesOffTheRing) {
  Contribution twice = MakeContribution();
  twice.blocks[1].name = "delta";
  Contribution weightless = MakeContribution();
  weightless.weight = 0;
  Contribution off_ring = MakeContribution();
  off_ring.blocks[2].integers[1] = 1 << 20;
  for (const Contribution& bad : {twice, weightless, off_ring}) {
    const auto decoded = DecodeContribution(EncodeContribution(bad), kElements);
    ASSERT_FALSE(decoded.has_value());
    EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
  }
}

}  // namespace
}  // namespace rondo::wire
