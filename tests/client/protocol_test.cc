#include "tests/client/session_fixture.h"

// A coordinator that says the wrong thing, too little or too much: the client ends the session with
// a clear error, uploads nothing and keeps its state.
namespace rondo::client::testing {
namespace {

using Kind = SessionEnd::Kind;

struct WrongMessage {
  const char* name;
  wire::Message message;
  const char* says;  ///< part of the error
};

class WrongMessageTest : public SessionFixture,
                         public ::testing::WithParamInterface<WrongMessage> {};

TEST_P(WrongMessageTest, InMidSessionEndsItAsLost) {
  const SessionEnd end = Serve([&](Channel& channel) -> Task<void> {
    co_await Greet(channel);
    wire::Message message = GetParam().message;
    co_await Say(channel, std::move(message));
    co_await Next(channel);
  });

  EXPECT_EQ(end.kind, Kind::kLost);
  EXPECT_EQ(end.error.code, ErrorCode::kCorrupt);
  EXPECT_NE(end.error.message.find(GetParam().says), std::string::npos) << end.error.message;
  EXPECT_EQ(trainer_.calls, 0);
  EXPECT_EQ(state_.record(), ClientRecord());
}

TEST_P(WrongMessageTest, InsteadOfWelcomeEndsItAsLost) {
  const SessionEnd end = Serve([&](Channel& channel) -> Task<void> {
    co_await Next(channel);
    wire::Message message = GetParam().message;
    co_await Say(channel, std::move(message));
    co_await Next(channel);
  });

  EXPECT_EQ(end.kind, Kind::kLost);
  EXPECT_FALSE(end.greeted);
  EXPECT_NE(end.error.message.find("expected welcome"), std::string::npos) << end.error.message;
}

wire::ModelChunk Chunk(std::uint64_t total, std::uint64_t offset) {
  return {.sha256 = std::string(64, '0'),
          .total = total,
          .offset = offset,
          .bytes = std::string(8, '\1')};
}

INSTANTIATE_TEST_SUITE_P(
    All,
    WrongMessageTest,
    ::testing::Values(
        WrongMessage{"Hello", wire::Hello{.catalogue_sha256 = std::string(64, 'c')}, "hello"},
        WrongMessage{"Decline", wire::Decline{.round = 1, .reason = "no"}, "decline"},
        WrongMessage{"Aggregation", wire::Aggregation{.round = 1, .payload = {1}}, "aggregation"},
        WrongMessage{"FinishWithoutModel",
                     wire::Finish{.model_sha256 = std::string(64, 'd')},
                     "final model"},
        WrongMessage{"ChunkInTheMiddle", Chunk(64, 8), ""},
        WrongMessage{"ChunkOfAHugeModel", Chunk(std::uint64_t{1} << 40, 0), ""},
        WrongMessage{"ModelOfAnotherDigest", Chunk(8, 0), ""}),
    [](const auto& test) { return test.param.name; });

TEST_F(SessionFixture, AModelOfAnotherLayoutEndsTheSession) {
  // Smaller than the cap of the session's layout, so that only the tensors tell.
  const auto tiny = ModelLayout(SmallModel(), 2).value();
  const Bytes file = EncodeParameters(InitialParameters(tiny, 1)).value();

  const SessionEnd end = Serve([&](Channel& channel) -> Task<void> {
    co_await Open(channel, file);
    co_await Next(channel);
  });

  EXPECT_EQ(end.kind, Kind::kLost);
  EXPECT_EQ(end.error.code, ErrorCode::kCorrupt) << end.error.message;
}

TEST_F(SessionFixture, NoWelcomeEndsAsLost) {
  const SessionEnd end = Serve([&](Channel& channel) -> Task<void> {
    co_await Next(channel);
    channel.Close();
  });

  EXPECT_EQ(end.kind, Kind::kLost);
  EXPECT_EQ(end.error.code, ErrorCode::kUnavailable);
  EXPECT_FALSE(end.greeted);
}

TEST_F(SessionFixture, EveryDamagedByteOfAnOfferIsSurvived) {
  const Bytes model = ModelFile(1);
  const Bytes offer = wire::Encode(TrainOffer(1, model));
  limits_.max_rounds = 1;
  for (std::size_t position = 0; position < offer.size(); ++position) {
    Bytes damaged = offer;
    damaged[position] ^= 0x5A;
    const SessionEnd end = Serve([&](Channel& channel) -> Task<void> {
      co_await Open(channel, model);
      Bytes frame = damaged;
      const Status ignored = co_await channel.Send(std::move(frame), Soon());
      channel.Close();
    });
    EXPECT_EQ(end.kind, Kind::kLost) << "byte " << position;
  }
}

TEST_F(SessionFixture, AConnectionThatEndsAfterAnyMessageLeavesAConsistentState) {
  const Bytes model = ModelFile(1);
  const std::vector<wire::Message> script = {
      TrainOffer(1, model),
      RoundResult{.round = 1, .included = true, .model_sha256 = Sha256Hex(model)},
      EvaluateOffer(1, model),
      TrainOffer(2, model),
      RoundResult{.round = 2, .is_void = true, .model_sha256 = Sha256Hex(model)}};
  for (std::size_t count = 0; count <= script.size(); ++count) {
    Serve([&](Channel& channel) -> Task<void> {
      co_await Open(channel, model);
      for (std::size_t index = 0; index < count; ++index) {
        const bool answered = std::holds_alternative<Offer>(script[index]);
        wire::Message message = script[index];
        co_await Say(channel, std::move(message));
        if (answered) {
          co_await ReceiveContribution(channel);
        }
      }
      channel.Close();
    });
    const ClientRecord& record = state_.record();
    EXPECT_GE(record.rounds_trained, count > 0 ? 1u : 0u);
    const std::uint64_t pending = record.pending ? 1 : 0;
    EXPECT_EQ(record.rounds_trained, record.rounds_included + record.rounds_discarded + pending)
        << count;
  }
}

}  // namespace
}  // namespace rondo::client::testing
