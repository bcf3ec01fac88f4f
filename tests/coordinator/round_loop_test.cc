#include <cmath>

#include <gtest/gtest.h>

#include "tests/support/loop_fixture.h"

namespace rondo::coordinator {
namespace {

using rondo::testing::Fault;
using rondo::testing::LoopFixture;

std::vector<std::string> Calls(const LoopFixture& fixture) {
  std::vector<std::string> calls;
  for (const auto& call : fixture.pool.calls) {
    calls.push_back(call.what + " " + std::to_string(call.round));
  }
  return calls;
}

TEST(RoundLoop, TrainsEveryRoundAndHandsOutTheModel) {
  LoopFixture fixture;
  fixture.scenario.strategy.rounds = 2;

  const auto outcome = fixture.Run();

  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  EXPECT_EQ(Calls(fixture),
            (std::vector<std::string>{"dispatch 1",
                                      "announce 1",
                                      "dispatch 2",
                                      "announce 2",
                                      "dispatch 2",
                                      "announce 2",
                                      "finish 0"}));
  EXPECT_EQ(outcome.value().state.round, 2U);
  EXPECT_NE(outcome.value().state.model.values, fixture.start.model.values);
  EXPECT_EQ(fixture.pool.finished.model.values, outcome.value().state.model.values);
  EXPECT_EQ(fixture.pool.finished.sha256, LoopFixture::Digest(outcome.value().state.model));
  ASSERT_EQ(fixture.observer.rounds.size(), 2U);
  EXPECT_EQ(fixture.observer.rounds[0].contributors, 6U);
  EXPECT_EQ(fixture.observer.rounds[0].invited, 6U);
  EXPECT_GT(fixture.observer.rounds[0].update_norm, 0.0);
  EXPECT_TRUE(std::isfinite(fixture.observer.rounds[0].loss));
}

TEST(RoundLoop, ReachesTheFixedPointOfItsClients) {
  // The mean of one client under plain FedAvg with learning rate 1 is that client's model.
  LoopFixture fixture(1);
  fixture.scenario.strategy.rounds = 1;

  const auto outcome = fixture.Run();

  Rng rng(StreamName{.seed = 5, .round = 1, .client = HashId("client-a")});
  const auto& before = fixture.start.model.values;
  const auto& after = outcome.value().state.model.values;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double target = rng.Normal();
    const double expected =
        i < 4 ? 0.0 : 0.9 * static_cast<double>(before[i]) + 0.1 * target;  // row 0 stays zero
    EXPECT_NEAR(after[i], expected, 1e-6) << i;
  }
}

TEST(RoundLoop, ArrivalOrderAndPacksChangeNoBit) {
  for (const char* preset : {"sgd", "adam"}) {
    std::vector<float> expected;
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      LoopFixture fixture;
      fixture.scenario.strategy.server_optimizer = preset;
      fixture.pool.packs = seed == 5;
      fixture.pool.reorder = [seed](std::deque<PoolEvent>& events) {
        std::vector<PoolEvent> list(events.begin(), events.end());
        Rng(StreamName{.seed = seed}).Shuffle(std::span(list));
        events.assign(list.begin(), list.end());
      };
      const auto outcome = fixture.Run();
      ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
      expected = expected.empty() ? outcome.value().state.model.values : expected;
      EXPECT_EQ(outcome.value().state.model.values, expected) << preset << " " << seed;
    }
  }
}

TEST(RoundLoop, SavesBeforeItAnnounces) {
  LoopFixture fixture;
  fixture.sink.on_save = [&](const RunState& state) {
    fixture.pool.calls.push_back({"save", state.round, {}});
  };
  fixture.scenario.strategy.rounds = 2;

  ASSERT_TRUE(fixture.Run().has_value());

  EXPECT_EQ(Calls(fixture),
            (std::vector<std::string>{"dispatch 1",
                                      "save 1",
                                      "announce 1",
                                      "dispatch 2",
                                      "save 2",
                                      "announce 2",
                                      "dispatch 2",
                                      "announce 2",
                                      "save 2",
                                      "finish 0"}));
}

TEST(RoundLoop, AnnouncesNothingThatIsNotSaved) {
  LoopFixture fixture;
  fixture.sink.fail = true;

  const auto outcome = fixture.Run();

  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::kIo);
  EXPECT_EQ(Calls(fixture), (std::vector<std::string>{"dispatch 1"}));
}

TEST(RoundLoop, SavesEveryNthRoundAndTheLast) {
  LoopFixture fixture;
  fixture.scenario.strategy.rounds = 7;
  fixture.scenario.checkpoint.every = 3;

  ASSERT_TRUE(fixture.Run().has_value());

  std::vector<RoundId> rounds;
  for (const RunState& state : fixture.sink.states) {
    rounds.push_back(state.round);
  }
  EXPECT_EQ(rounds, (std::vector<RoundId>{3, 6, 7}));
}

TEST(RoundLoop, EndsARoundWhenEnoughOfAnOverSelectedCohortHaveAnswered) {
  LoopFixture fixture(10);
  fixture.scenario.strategy.cohort = 4;
  fixture.scenario.strategy.over_selection = 1.5;
  fixture.pool.fault = [](const ClientId& client, const Offer& offer) {
    return offer.round > 0 && client < "client-c" ? Fault::kSilent : Fault::kNone;
  };

  ASSERT_TRUE(fixture.Run().has_value());

  for (const RoundReport& report : fixture.observer.rounds) {
    EXPECT_EQ(report.invited, 6U);
    EXPECT_EQ(report.contributors, 4U);
    EXPECT_EQ(report.seconds, 0.0);  // never waited
    EXPECT_TRUE(report.dropped.empty());
  }
}

TEST(RoundLoop, AnnouncesExactlyTheContributors) {
  LoopFixture fixture;
  fixture.scenario.strategy.rounds = 1;
  fixture.pool.fault = [](const ClientId& client, const Offer& offer) {
    return offer.round > 0 && client == "client-b" ? Fault::kDropAfterOffer : Fault::kNone;
  };

  ASSERT_TRUE(fixture.Run().has_value());

  EXPECT_EQ(fixture.pool.calls[1].clients,
            (std::vector<ClientId>{"client-a", "client-c", "client-d", "client-e", "client-f"}));
}

TEST(RoundLoop, SelectsTheBestValidation) {
  LoopFixture fixture;
  fixture.scenario.strategy.rounds = 8;
  fixture.scenario.evaluation.every = 2;
  fixture.pool.ndcg = [](RoundId round) {
    return round == 4 ? 0.75 : 0.25;
  };

  const auto outcome = fixture.Run();

  ASSERT_TRUE(outcome.has_value());
  const RunState& state = outcome.value().state;
  EXPECT_EQ(state.best_round, 4U);
  EXPECT_DOUBLE_EQ(state.best_ndcg, 0.75);
  ASSERT_EQ(fixture.pool.evaluated.size(), 4U);
  EXPECT_EQ(state.best_model.values, fixture.pool.evaluated[1].model.values);
  EXPECT_EQ(fixture.pool.finished.model.values, state.best_model.values);
  EXPECT_NE(state.best_model.values, state.model.values);
  EXPECT_EQ(state.history.size(), 4U);
  EXPECT_EQ(state.history[1].metrics.users, 120U);
  EXPECT_EQ(fixture.sink.states.back().best_model.values, state.best_model.values);
}

TEST(RoundLoop, TestsTheSelectedModelOnce) {
  LoopFixture fixture;
  fixture.scenario.strategy.rounds = 4;
  fixture.scenario.evaluation.every = 2;
  fixture.wants_test = [](const RunState& state) {
    return state.selected_round() > 0;
  };
  fixture.pool.ndcg = [](RoundId round) {
    return round == 2 ? 0.75 : 0.25;
  };

  const auto outcome = fixture.Run();

  ASSERT_TRUE(outcome.has_value());
  ASSERT_EQ(fixture.pool.evaluated.size(), 3U);
  EXPECT_EQ(fixture.pool.evaluated[2].model.values, outcome.value().state.best_model.values);
  ASSERT_TRUE(outcome.value().test.has_value());
  EXPECT_EQ(fixture.observer.validations.back().split, Split::kTest);
  EXPECT_EQ(fixture.observer.validations.front().split, Split::kValidation);
}

TEST(RoundLoop, LosesPatience) {
  LoopFixture fixture;
  fixture.scenario.strategy.rounds = 100;
  fixture.scenario.evaluation.every = 2;
  fixture.scenario.evaluation.patience = 3;
  fixture.pool.ndcg = [](RoundId) {
    return 0.5;
  };

  const auto outcome = fixture.Run();

  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome.value().state.round, 8U);
  EXPECT_EQ(outcome.value().state.best_round, 2U);
}

TEST(RoundLoop, TooFewUsersGiveNoNumberAndCostNoPatience) {
  LoopFixture fixture;
  fixture.pool.users_each = 3;  // 18 in all
  fixture.scenario.evaluation.every = 1;
  fixture.scenario.evaluation.patience = 1;

  const auto outcome = fixture.Run();

  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome.value().state.round, 5U);
  EXPECT_EQ(outcome.value().state.best_round, 0U);
  ASSERT_EQ(fixture.observer.validations.size(), 5U);
  EXPECT_FALSE(fixture.observer.validations[0].metrics.has_value());
  EXPECT_EQ(fixture.pool.finished.model.values, outcome.value().state.model.values);
}

TEST(RoundLoop, RefusesAStartWithoutAModel) {
  LoopFixture fixture;
  fixture.start.model.values.pop_back();

  EXPECT_EQ(fixture.Run().error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace rondo::coordinator
