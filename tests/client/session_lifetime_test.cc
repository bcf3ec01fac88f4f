#include "common/core/file.h"
#include "tests/client/session_fixture.h"

// How a session stays alive, ends, and goes on from an earlier one.
namespace rondo::client::testing {
namespace {

using Kind = SessionEnd::Kind;

class SessionLifetimeTest : public SessionFixture {
 protected:
  static void Hurry(wire::Welcome& welcome) { welcome.heartbeat_s = 0.1; }
};

TEST_F(SessionLifetimeTest, SendsHeartbeatsWhileItTrains) {
  trainer_.wait_for_stop = true;
  const Bytes model = ModelFile(1);

  const SessionEnd end = Serve([&](Channel& channel) -> Task<void> {
    co_await GreetWith(channel, Hurry);
    co_await SendModel(channel, model);
    Offer offer = TrainOffer(1, model);
    co_await Ask(channel, std::move(offer));
    for (int beat = 0; beat < 3; ++beat) {
      const Result<Bytes> frame = co_await channel.Receive(Soon());
      EXPECT_TRUE(std::holds_alternative<wire::Heartbeat>(wire::Decode(*frame).value()));
      wire::Message answer = wire::Heartbeat{};
      co_await Say(channel, std::move(answer));
    }
    EXPECT_EQ(trainer_.calls, 1);
    channel.Close();
  });

  EXPECT_EQ(end.kind, Kind::kLost);
}

TEST_F(SessionLifetimeTest, ASilentCoordinatorIsGivenUp) {
  const SessionEnd end = Serve([&](Channel& channel) -> Task<void> {
    co_await GreetWith(channel, Hurry);
    co_await Next(channel);  // Heartbeats only, then the end.
  });

  EXPECT_EQ(end.kind, Kind::kLost);
  EXPECT_EQ(end.error.code, ErrorCode::kTimeout) << end.error.message;
}

TEST_F(SessionLifetimeTest, StopSaysGoodbye) {
  wire::Message answer;

  const SessionEnd end = Serve([&](Channel& channel) -> Task<void> {
    const Bytes model = ModelFile(1);
    co_await Open(channel, model);
    Offer offer = TrainOffer(1, model);
    co_await Work(channel, std::move(offer));
    session_->Stop();
    answer = co_await Next(channel);
  });

  EXPECT_EQ(end.kind, Kind::kStopped);
  ASSERT_TRUE(std::holds_alternative<wire::Goodbye>(answer));
  EXPECT_NE(std::get<wire::Goodbye>(answer).reason, "closed");
  EXPECT_FALSE(std::get<wire::Goodbye>(answer).model_stored);
}

TEST_F(SessionLifetimeTest, AStoredModelIsNamedInHelloAndNeedNotBeSentAgain) {
  const Bytes model = ModelFile(5);
  ASSERT_TRUE(state_.KeepFederation(SmallModel(), catalogue_->text()).has_value());
  ASSERT_TRUE(state_.KeepModel(model, Sha256Hex(model)).has_value());

  Serve([&](Channel& channel) -> Task<void> {
    co_await Greet(channel);
    Offer offer = TrainOffer(1, model);
    co_await Work(channel, std::move(offer));
    channel.Close();
  });

  EXPECT_EQ(std::get<wire::Hello>(hello_).model_sha256, Sha256Hex(model));
  EXPECT_EQ(trainer_.model, InitialParameters(layout_, 5).values);
}

TEST_F(SessionLifetimeTest, ADamagedStoredModelIsNotNamed) {
  const Bytes model = ModelFile(5);
  ASSERT_TRUE(state_.KeepFederation(SmallModel(), catalogue_->text()).has_value());
  ASSERT_TRUE(state_.KeepModel(model, Sha256Hex(model)).has_value());
  ASSERT_TRUE(WriteTextFile(state_.model_path(), "half a mod").has_value());

  Serve([&](Channel& channel) -> Task<void> {
    co_await Greet(channel);
    channel.Close();
  });

  EXPECT_EQ(std::get<wire::Hello>(hello_).model_sha256, "");
}

}  // namespace
}  // namespace rondo::client::testing
