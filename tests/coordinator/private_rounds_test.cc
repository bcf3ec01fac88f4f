#include "coordinator/private_rounds.h"

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <limits>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/run_checkpoints.h"
#include "coordinator/spent.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/temporary_folder.h"

namespace rondo::coordinator {
namespace {

using ::testing::HasSubstr;
using testing::LoopFixture;

class PrivateFixture : public LoopFixture {
 public:
  explicit PrivateFixture(std::size_t clients = 6) : LoopFixture(clients) {
    scenario.strategy.weighting = "uniform";
    scenario.strategy.cohort = 4;
    scenario.privacy.clip_norm = 0.5;
    scenario.privacy.noise_multiplier = 2.0;
    scenario.privacy.delta = 1e-5;
  }
};

double EpsilonOfRounds(double rate, double noise, std::int64_t rounds) {
  return EpsilonOf(
             NoisyRounds{.rate = rate, .noise = noise, .rounds = rounds}, Accountant::kPld, 1e-5)
      .value()
      .value;
}

PrivateRounds Rounds(const PrivacyConfig& privacy, int cohort) {
  StrategyConfig strategy;
  strategy.cohort = cohort;
  return PrivateRounds({.privacy = privacy, .strategy = strategy, .seed = 1});
}

TEST(PrivateRoundsTest, NoiseIsOfTheMultiplierTimesTheClipAndTheDivisorIsTheCohort) {
  const auto layout = ParameterLayout::Create({{.name = "w", .shape = {100'000}}}).value();
  RunState state;
  state.model = {.layout = layout, .values = std::vector<float>(layout->size())};
  const PrivateRounds rounds = Rounds({.clip_norm = 0.5, .noise_multiplier = 3.0}, 10);
  TrainTask task{.round = 1, .grid = MakeGrid({}, 1, 10).value()};
  rounds.Plan(task, layout->size(), state);
  EXPECT_EQ(task.clip_norm, 0.5);
  EXPECT_EQ(task.noise_stddev, 0.0);
  UpdateSum sum{.weight = 7, .contributors = 7};
  sum.blocks.push_back(MakeBlock("delta", layout, task.grid, Scaling::kByWeight));

  const UpdateSum noisy = rounds.Release(task, {sum}, 1.0, state).value();

  double squares = 0.0;
  for (const double value : GridToReal(noisy.blocks[0])) {
    squares += value * value;
  }
  EXPECT_NEAR(std::sqrt(squares / 100'000.0), 1.5, 0.015);
  EXPECT_EQ(noisy.weight, 10U);
  EXPECT_EQ(state.ledger.releases(), 1);
}

TEST(PrivateRoundsTest, UnderMasksClientsAddTheNoiseAndPayWhenInvited) {
  RunState state;
  PrivacyConfig config{.mode = "masked", .grid = "ring", .clip_norm = 0.5, .min_clients = 4};
  config.noise_multiplier = 3.0;
  const PrivateRounds rounds = Rounds(config, 10);
  TrainTask task{.grid = MakeGrid(config, 1, 10 + rounds.GridRoom(state, 10)).value()};
  rounds.Plan(task, 1000, state);
  EXPECT_NEAR(task.noise_stddev * std::sqrt(4.0), 1.5, 1e-3);
  EXPECT_GE(task.noise_stddev * std::sqrt(4.0), 1.5);
  ASSERT_TRUE(rounds.Offered(1.0, state));
  EXPECT_EQ(state.ledger.releases(), 1);
  const auto layout = ParameterLayout::Create({{.name = "w", .shape = {3}}}).value();
  UpdateSum sum{.weight = 7, .contributors = 7};
  sum.blocks.push_back(MakeBlock("delta", layout, task.grid, Scaling::kByWeight));
  EXPECT_EQ(rounds.Release(task, {sum}, 1.0, state).value().blocks[0].values, sum.blocks[0].values);
  EXPECT_EQ(state.ledger.releases(), 1);
}

TEST(PrivateRoundsTest, EveryRoundIsAnEntryAndItsReportNamesEpsilon) {
  PrivateFixture fixture;
  const auto outcome = fixture.Run();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->state.ledger.releases(), 5);
  EXPECT_FALSE(outcome->budget_spent);
  ASSERT_EQ(fixture.observer.rounds.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    const RoundReport& round = fixture.observer.rounds[i];
    ASSERT_TRUE(round.epsilon);
    EXPECT_DOUBLE_EQ(*round.epsilon, EpsilonOfRounds(1.0, 2.0, static_cast<std::int64_t>(i) + 1));
    EXPECT_EQ(round.clip_norm, 0.5);
  }
  EXPECT_EQ(outcome->state.selected_round(), 5U);
}

TEST(PrivateRoundsTest, NoiseMovesTheModelAndItsSeedDecidesHow) {
  const auto model = [](std::optional<std::uint64_t> seed, double noise) {
    PrivateFixture fixture;
    fixture.noise_seed = seed;
    fixture.scenario.privacy.noise_multiplier = noise;
    return LoopFixture::Digest(fixture.Run().value().state.model);
  };
  EXPECT_EQ(model(1, 2.0), model(1, 2.0));
  EXPECT_NE(model(1, 2.0), model(2, 2.0));
  EXPECT_NE(model(1, 2.0), model(1, 0.0));
  EXPECT_NE(model(std::nullopt, 2.0), model(std::nullopt, 2.0));
}

TEST(PrivateRoundsTest, StopsBeforeTheTargetWouldBeExceeded) {
  PrivateFixture fixture;
  fixture.scenario.strategy.rounds = 50;
  fixture.scenario.privacy.target_epsilon = 6.0;
  const auto outcome = fixture.Run();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->budget_spent);
  const std::int64_t done = outcome->state.ledger.releases();
  EXPECT_EQ(static_cast<RoundId>(done), outcome->state.round);
  EXPECT_LE(EpsilonOfRounds(1.0, 2.0, done), 6.0);
  EXPECT_GT(EpsilonOfRounds(1.0, 2.0, done + 1), 6.0);
  // A run that is spent and started again does nothing more.
  PrivateFixture again;
  again.scenario = fixture.scenario;
  again.start = outcome->state;
  EXPECT_EQ(again.Run().value().state.ledger.releases(), done);
}

TEST(PrivateRoundsTest, RefusesATargetBelowOneRound) {
  PrivateFixture fixture;
  fixture.scenario.privacy.target_epsilon = 0.1;
  const auto outcome = fixture.Run();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(outcome.error().message, HasSubstr("a single round costs epsilon"));
}

TEST(PrivateRoundsTest, RoundsWithoutNoiseDoNotFollowNoisyOnes) {
  PrivateFixture fixture;
  ASSERT_TRUE(fixture.start.ledger.Spend({.noise = 2.0}));
  fixture.scenario.privacy.noise_multiplier = 0.0;
  EXPECT_EQ(fixture.Run().error().code, ErrorCode::kInvalidArgument);
}

TEST(PrivateRoundsTest, NothingIsReleasedThatIsNotKept) {
  PrivateFixture fixture;
  std::int64_t kept = 0;
  fixture.sink.on_save = [&](const RunState& state) {
    EXPECT_EQ(state.ledger.releases(), kept);
  };
  fixture.keep_spent = [&](const PrivacyLedger& ledger) -> Status {
    if (ledger.releases() == 3) {
      return Fail(ErrorCode::kIo, "disk full");
    }
    kept = ledger.releases();
    return Ok();
  };
  const auto outcome = fixture.Run();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kIo);
  EXPECT_EQ(kept, 2);
  ASSERT_EQ(fixture.sink.states.size(), 2U);
  EXPECT_TRUE(fixture.pool.calls.back().is_void);
}

/// Killed at the moment when a round is paid for and not yet released, time and again: what is
/// reported never falls, and no release is free.
TEST(PrivateRoundsTest, KilledBetweenPayingAndReleasingForgetsNothing) {
  const testing::TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "privacy.json";
  double epsilon = 0.0;
  for (std::int64_t run = 1; run <= 4; ++run) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      PrivateFixture fixture;
      fixture.noise_seed = std::nullopt;
      fixture.start.ledger = ReadSpent(file, {}).value();
      std::int64_t paid = 0;
      fixture.keep_spent = [&](const PrivacyLedger& ledger) {
        const Status written = WriteSpent(file, ledger);
        if (++paid == 2) {
          (void)raise(SIGKILL);
        }
        return written;
      };
      (void)fixture.Run();
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    const PrivacyLedger ledger = ReadSpent(file, {}).value();
    EXPECT_EQ(ledger.releases(), 2 * run);
    const double now = ledger.Epsilon(Accountant::kPld, 1e-5).value();
    EXPECT_GT(now, epsilon);
    epsilon = now;
  }
}

TEST(PrivateRoundsTest, ALostLedgerIsNoticed) {
  const testing::TemporaryFolder folder;
  PrivacyLedger known;
  ASSERT_TRUE(known.Spend({.rate = 0.25, .noise = 2.0}));
  EXPECT_EQ(ReadSpent(folder.path() / "none", known).error().code, ErrorCode::kFailedPrecondition);
  ASSERT_TRUE(WriteSpent(folder.path() / "privacy.json", known));
  EXPECT_EQ(ReadSpent(folder.path() / "privacy.json", known).value(), known);
}

TEST(PrivateRoundsTest, CheckpointsKeepTheLedgerAndTheClipNorm) {
  PrivateFixture fixture;
  RunState state = fixture.start;
  state.round = 3;
  state.clip_norm = 0.75;
  ASSERT_TRUE(state.ledger.Spend({.rate = 1.0, .noise = 1.5, .rounds = 2}));
  ASSERT_TRUE(state.ledger.Spend({.rate = 0.1, .noise = 1.5}));
  const RunState read = RunStateOf(CheckpointOf(state, {})).value();
  EXPECT_EQ(read.ledger, state.ledger);
  EXPECT_EQ(read.clip_norm, 0.75);
}

TEST(PrivateRoundsTest, ClientsAreAskedForNoMetricsUnlessTheirDataIsAtHand) {
  for (const bool owns : {false, true}) {
    PrivateFixture fixture;
    fixture.pool.owns = owns;
    fixture.scenario.evaluation.every = 1;
    fixture.wants_test = [](const RunState&) {
      return true;
    };
    const auto outcome = fixture.Run();
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_EQ(fixture.pool.evaluated.empty(), !owns);
    EXPECT_EQ(outcome->test.has_value(), owns);
    EXPECT_EQ(std::isnan(fixture.observer.rounds[0].loss), !owns);
    // The best round by validation is no model that noise protects.
    EXPECT_EQ(outcome->state.selected_round(), 5U);
  }
}

TEST(PrivateRoundsTest, PoissonRoundsGoOnWithNobodyAndRecordTheirRate) {
  PrivateFixture fixture(20);
  fixture.scenario.strategy.cohort = 1;
  fixture.scenario.strategy.rounds = 30;
  fixture.scenario.privacy.sampling = "poisson";
  const auto outcome = fixture.Run();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->state.void_rounds, 0U);
  ASSERT_EQ(outcome->state.ledger.entries().size(), 1U);
  EXPECT_EQ(outcome->state.ledger.entries()[0].rounds, 30);
  EXPECT_DOUBLE_EQ(outcome->state.ledger.entries()[0].rate, 0.05);
  std::size_t empty = 0;
  std::size_t contributors = 0;
  for (const RoundReport& round : fixture.observer.rounds) {
    empty += round.invited == 0 ? 1 : 0;
    contributors += round.contributors;
  }
  EXPECT_GT(empty, 2U);  // 0.36 of 30 are expected
  EXPECT_LT(empty, 20U);
  EXPECT_GT(contributors, 10U);
  EXPECT_LT(contributors, 60U);
}

TEST(PrivateRoundsTest, AdaptiveClippingFindsTheQuantileOfTheNorms) {
  PrivateFixture fixture(60);
  fixture.scenario.strategy.cohort = 50;
  fixture.scenario.strategy.rounds = 30;
  fixture.scenario.privacy.clip_norm = 20.0;
  fixture.scenario.privacy.noise_multiplier = 0.5;
  fixture.scenario.privacy.clip_quantile = 0.5;
  const auto outcome = fixture.Run();
  ASSERT_TRUE(outcome) << outcome.error().message;
  const double first = fixture.observer.rounds.front().clip_norm.value();
  EXPECT_EQ(first, 20.0);
  EXPECT_LT(outcome->state.clip_norm, 10.0);
  EXPECT_GT(outcome->state.clip_norm, 0.2);
  EXPECT_EQ(outcome->state.ledger.entries().size(), 1U);
  EXPECT_EQ(outcome->state.ledger.entries()[0].noise, 0.5);
}

/// Numbers of TensorFlow Federated's formula.
TEST(NoiseSplitTest, CostsWhatTheMultiplierCosts) {
  EXPECT_NEAR(SplitNoise(1.0, 100).value().delta, 1.0050378, 1e-6);
  EXPECT_NEAR(SplitNoise(0.5, 20).value().delta, 0.5163978, 1e-6);
  EXPECT_NEAR(SplitNoise(1.0, 20).value().delta, 1.1547005, 1e-6);
  EXPECT_EQ(SplitNoise(1.0, 20).value().bits, 1.0);
  EXPECT_EQ(SplitNoise(2.0, 20).error().code, ErrorCode::kInvalidArgument);
}

/// The trajectories of TensorFlow Privacy's tests, from two norms.
TEST(NextClipNormTest, MovesGeometrically) {
  const auto play = [](double clip, double quantile, double low, double high) {
    const PrivacyConfig config{.clip_quantile = quantile, .clip_learning_rate = std::log(2.0)};
    std::vector<double> clips;
    for (int round = 0; round < 5; ++round) {
      const double unclipped = ((low <= clip ? 1.0 : 0.0) + (high <= clip ? 1.0 : 0.0)) / 2.0;
      clip = NextClipNorm(clip, unclipped, config);
      clips.push_back(clip);
    }
    return clips;
  };
  const double root = std::sqrt(2.0);
  EXPECT_THAT(play(16.0, 0.0, 2.5, 5.0),
              ::testing::Pointwise(::testing::DoubleNear(1e-6),
                                   std::vector<double>{8.0, 4.0, 4.0 / root, 2.0, 2.0}));
  EXPECT_THAT(play(0.5, 1.0, 1.5, 3.25),
              ::testing::Pointwise(::testing::DoubleNear(1e-6),
                                   std::vector<double>{1.0, 2.0, 2.0 * root, 4.0, 4.0}));
}

}  // namespace
}  // namespace rondo::coordinator
