#include "client/agent.h"

#include <boost/asio/post.hpp>

#include "tests/client/session_fixture.h"

namespace rondo::client::testing {
namespace {

class AgentTest : public SessionFixture {
 protected:
  using Connected = Result<std::shared_ptr<Channel>>;

  /// Each call takes the next plan: an error, or a script to play on a fresh channel.
  Task<Connected> Connect() {
    const std::size_t attempt = attempts_++;
    if (attempt >= plans_.size()) {
      co_return Fail(ErrorCode::kUnavailable, "connection refused");
    }
    if (plans_[attempt] == nullptr) {
      co_return Fail(fault_);
    }
    const LoopbackPair pair = MakeLoopback(io_.get_executor(), "hospital");
    played_.push_back(rondo::testing::Start(io_, PlayOwned(plans_[attempt], pair.server_end)));
    co_return pair.client_end;
  }

  static Task<bool> PlayOwned(const Script& script, std::shared_ptr<Channel> channel) {
    co_await script(*channel);
    co_return true;
  }

  Agent::Parts Parts() {
    return {.connect = [this](TimePoint) { return Connect(); },
            .work = work_,
            .state = state_,
            .papers = papers_,
            .catalogue = *catalogue_,
            .clock = clock_,
            .executor = io_.get_executor(),
            .workers = workers_.get_executor(),
            .backoff = Backoff(std::chrono::microseconds(1),
                               std::chrono::microseconds(8),
                               Rng({.seed = 1, .purpose = Purpose::kBackoff})),
            .retry_for = std::chrono::seconds(20)};
  }

  Script FinishAtOnce() {
    return [this](Channel& channel) -> Task<void> {
      co_await Greet(channel);
      const Bytes model = ModelFile(3);
      co_await SendModel(channel, model);
      wire::Message finish = wire::Finish{.model_sha256 = Sha256Hex(model)};
      co_await Say(channel, std::move(finish));
      co_await Next(channel);
    };
  }

  std::vector<Script> plans_;  ///< null: fault_
  Error fault_{ErrorCode::kUnavailable, "connection refused"};
  std::size_t attempts_ = 0;
  std::vector<std::shared_ptr<std::optional<bool>>> played_;
};

TEST_F(AgentTest, ComesBackAfterLossesUntilTheFederationIsFinished) {
  const Script drop_after_welcome = [this](Channel& channel) -> Task<void> {
    co_await Greet(channel);
    channel.Close();
  };
  plans_ = {nullptr, nullptr, drop_after_welcome, FinishAtOnce()};
  Agent agent(Parts());

  const Status outcome = rondo::testing::RunTask(io_, agent.Run());

  EXPECT_TRUE(outcome.has_value());
  EXPECT_EQ(attempts_, 4u);
  EXPECT_TRUE(state_.record().finished);
}

TEST_F(AgentTest, ARefusedCertificateIsNotRetried) {
  plans_ = {nullptr, FinishAtOnce()};
  fault_ = {ErrorCode::kUnauthenticated, "the coordinator's certificate is of another authority"};
  Agent agent(Parts());

  const Status outcome = rondo::testing::RunTask(io_, agent.Run());

  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(ExitCode(outcome.error().code), 2);
  EXPECT_EQ(attempts_, 1u);
}

TEST_F(AgentTest, GivesUpWhenNobodyAnswersForLongEnough) {
  Agent::Parts parts = Parts();
  parts.retry_for = std::chrono::milliseconds(5);
  Agent agent(std::move(parts));

  const Status outcome = rondo::testing::RunTask(io_, agent.Run());

  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(outcome.error().message.find("connection refused"), std::string::npos);
  EXPECT_GT(attempts_, 1u);
}

TEST_F(AgentTest, ACoordinatorThatKeepsTalkingNonsenseIsLeft) {
  const Script nonsense = [this](Channel& channel) -> Task<void> {
    co_await Greet(channel);
    wire::Message hello = wire::Hello{.catalogue_sha256 = std::string(64, 'c')};
    co_await Say(channel, std::move(hello));
    co_await Next(channel);
  };
  plans_ = std::vector<Script>(20, nonsense);
  Agent agent(Parts());

  const Status outcome = rondo::testing::RunTask(io_, agent.Run());

  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(attempts_, 5u);
}

TEST_F(AgentTest, AnotherClientUnderTheSameIdIsNotFoughtForEver) {
  const Script replaced = [this](Channel& channel) -> Task<void> {
    co_await Greet(channel);
    wire::Message goodbye = wire::Goodbye{.reason = "another connection", .replaced = true};
    co_await Say(channel, std::move(goodbye));
  };
  const Script drop = [this](Channel& channel) -> Task<void> {
    co_await Greet(channel);
    channel.Close();
  };
  // Twice in a row may be a connection that broke without anybody noticing.
  plans_ = {replaced, replaced, drop, replaced, replaced, replaced, FinishAtOnce()};
  Agent agent(Parts());

  const Status outcome = rondo::testing::RunTask(io_, agent.Run());

  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(outcome.error().message.find("one certificate"), std::string::npos);
  EXPECT_EQ(attempts_, 6u);
}

TEST_F(AgentTest, StopEndsASessionWithGoodbyeAndExitCode130) {
  Agent* running = nullptr;
  wire::Message last;
  plans_ = {[&](Channel& channel) -> Task<void> {
    co_await Greet(channel);
    const Bytes model = ModelFile(1);
    co_await SendModel(channel, model);
    wire::Message offer = TrainOffer(1, model);
    co_await Say(channel, std::move(offer));
    co_await ReceiveContribution(channel);
    running->Stop();
    last = co_await Next(channel);
  }};
  Agent agent(Parts());
  running = &agent;

  const Status outcome = rondo::testing::RunTask(io_, agent.Run());
  rondo::testing::Wait(io_, played_.front());

  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(ExitCode(outcome.error().code), 130);
  ASSERT_TRUE(std::holds_alternative<wire::Goodbye>(last));
  EXPECT_NE(std::get<wire::Goodbye>(last).reason, "closed");
}

TEST_F(AgentTest, StopEndsTheWaitForAnotherAttempt) {
  Agent* running = nullptr;
  Agent::Parts parts = Parts();
  parts.retry_for = std::chrono::hours(2);
  parts.backoff = Backoff(
      std::chrono::hours(1), std::chrono::hours(1), Rng({.seed = 1, .purpose = Purpose::kBackoff}));
  plans_ = {nullptr};
  parts.connect = [&](TimePoint) {
    // Runs after the agent has begun to wait.
    boost::asio::post(io_, [&] { boost::asio::post(io_, [&] { running->Stop(); }); });
    return Connect();
  };
  Agent agent(std::move(parts));
  running = &agent;

  const Status outcome = rondo::testing::RunTask(io_, agent.Run());

  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace rondo::client::testing
