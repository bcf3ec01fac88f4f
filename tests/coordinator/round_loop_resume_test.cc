#include <gtest/gtest.h>

#include "tests/support/loop_fixture.h"

namespace rondo::coordinator {
namespace {

using rondo::testing::Fault;
using rondo::testing::LoopFixture;

void Configure(LoopFixture& fixture, const std::string& optimizer) {
  fixture.scenario.strategy.rounds = 9;
  fixture.scenario.strategy.cohort = 4;
  fixture.scenario.strategy.quorum = 3;
  fixture.scenario.strategy.server_optimizer = optimizer;
  fixture.scenario.strategy.server_momentum = 0.9;
  fixture.scenario.strategy.server_learning_rate = 0.1;
  fixture.scenario.evaluation.every = 2;
  fixture.pool.ndcg = [](RoundId round) {
    return round == 4 ? 0.75 : 0.01 * round;
  };
  fixture.pool.fault = [](const ClientId&, const Offer& offer) {
    return offer.round == 5 && offer.kind == OfferKind::kTrain ? Fault::kDropAfterOffer
                                                               : Fault::kNone;
  };
}

void ExpectSame(const RunState& left, const RunState& right) {
  EXPECT_EQ(left.round, right.round);
  EXPECT_EQ(left.model.values, right.model.values);
  EXPECT_EQ(left.optimizer_steps, right.optimizer_steps);
  ASSERT_EQ(left.optimizer_state.size(), right.optimizer_state.size());
  for (std::size_t i = 0; i < left.optimizer_state.size(); ++i) {
    EXPECT_EQ(left.optimizer_state[i].second.values, right.optimizer_state[i].second.values);
  }
  EXPECT_EQ(left.best_round, right.best_round);
  EXPECT_EQ(left.best_ndcg, right.best_ndcg);
  EXPECT_EQ(left.best_model.values, right.best_model.values);
  EXPECT_EQ(left.validated_round, right.validated_round);
  EXPECT_EQ(left.validations_without_gain, right.validations_without_gain);
  EXPECT_EQ(left.void_rounds, right.void_rounds);
  EXPECT_EQ(left.history.size(), right.history.size());
}

TEST(RoundLoopResume, FromAnyCheckpointTheRunEndsWithTheSameBits) {
  for (const char* optimizer : {"sgd", "adam"}) {
    LoopFixture straight;
    Configure(straight, optimizer);
    const auto expected = straight.Run();
    ASSERT_TRUE(expected.has_value()) << expected.error().message;
    ASSERT_GE(straight.sink.states.size(), 9U);

    for (const RunState& checkpoint : straight.sink.states) {
      LoopFixture resumed;
      Configure(resumed, optimizer);
      resumed.start = checkpoint;
      const auto outcome = resumed.Run();
      ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
      ExpectSame(outcome.value().state, expected.value().state);
    }
  }
}

TEST(RoundLoopResume, AStopLosesNothing) {
  LoopFixture straight;
  Configure(straight, "adam");
  const auto expected = straight.Run();
  for (RoundId stop_at = 1; stop_at <= 9; ++stop_at) {
    LoopFixture stopped;
    Configure(stopped, "adam");
    stopped.scenario.checkpoint.every = 100;  // the stop itself has to save
    stopped.pool.on_dispatch = [&](RoundId round) {
      if (round == stop_at) {
        stopped.stop.request_stop();
      }
    };
    const auto cancelled = stopped.Run();
    ASSERT_FALSE(cancelled.has_value());
    EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);
    EXPECT_EQ(ExitCode(cancelled.error().code), 130);

    LoopFixture resumed;
    Configure(resumed, "adam");
    if (!stopped.sink.states.empty()) {
      resumed.start = stopped.sink.states.back();
    }
    EXPECT_EQ(resumed.start.round, stop_at - 1);
    const auto outcome = resumed.Run();
    ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
    ExpectSame(outcome.value().state, expected.value().state);
  }
}

TEST(RoundLoopResume, AStopInASilentRoundIsNoticedBeforeTheDeadline) {
  LoopFixture fixture;
  fixture.pool.fault = [](const ClientId&, const Offer&) {
    return Fault::kSilent;
  };
  fixture.pool.on_dispatch = [&](RoundId) {
    fixture.stop.request_stop();
  };
  const TimePoint before = fixture.clock.Now();

  EXPECT_EQ(fixture.Run().error().code, ErrorCode::kCancelled);

  EXPECT_LT(fixture.clock.Now() - before, std::chrono::seconds(1));
  EXPECT_TRUE(fixture.pool.calls.back().is_void);
}

TEST(RoundLoopResume, AFinishedRunOnlyHandsOutItsModel) {
  LoopFixture first;
  Configure(first, "adam");
  const auto expected = first.Run();
  LoopFixture again;
  Configure(again, "adam");
  again.start = expected.value().state;
  RoundId selected = 0;
  again.wants_test = [&](const RunState& state) {
    selected = state.selected_round();
    return false;  // It was tested by the first process.
  };

  const auto outcome = again.Run();

  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(selected, 4U);
  ASSERT_EQ(again.pool.calls.size(), 1U);
  EXPECT_EQ(again.pool.calls[0].what, "finish");
  ExpectSame(outcome.value().state, expected.value().state);
}

TEST(RoundLoopResume, StateOfAnotherOptimizerIsRefused) {
  LoopFixture first;
  Configure(first, "adam");
  const auto expected = first.Run();
  LoopFixture other;
  Configure(other, "sgd");
  other.start = expected.value().state;

  EXPECT_EQ(other.Run().error().code, ErrorCode::kInvalidArgument);
}

TEST(RoundLoopResume, ARunThatGaveUpMayTryAgain) {
  LoopFixture fixture;
  fixture.start.round = 3;
  fixture.start.void_rounds = 3;
  fixture.start.void_in_a_row = 3;

  const auto outcome = fixture.Run();

  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome.value().state.round, 5U);
}

}  // namespace
}  // namespace rondo::coordinator
