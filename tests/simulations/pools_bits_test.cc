#include <algorithm>
#include <cstdlib>

#include "simulations/experiment.h"
#include "simulations/simulation.h"
#include "tests/simulations/pools_fixture.h"

/// Runs that must agree in every bit, on one processor type and one BLAS.
namespace rondo::sim {
namespace {

/// So little memory that no two clients of the fixture fit in one pack.
constexpr int kOneClientAPack = 0;

class PoolsBitsTest : public PoolsTest {
 protected:
  Scenario With(int memory_mib, const std::string& grid, int threads = 1) const {
    Scenario scenario = scenario_;
    scenario.engine.memory_mib = memory_mib;
    scenario.engine.threads = threads;
    scenario.privacy.grid = grid;
    return scenario;
  }
};

TEST_F(PoolsBitsTest, VirtualClientsInPacksOfOneAreRealClientsOnTheExactGrid) {
  const auto simulated = RunVirtual(With(kOneClientAPack, "exact"));
  ASSERT_TRUE(simulated) << simulated.error().message;
  const auto real = RunLoopback(With(kOneClientAPack, "exact"));
  ASSERT_TRUE(real) << real.error().message;

  ASSERT_EQ(simulated->sums.size(), 3U);
  ASSERT_EQ(real->sums.size(), 3U);
  for (std::size_t round = 0; round < 3; ++round) {
    EXPECT_EQ(Integers(simulated->sums[round]), Integers(real->sums[round])) << round;
  }
  EXPECT_EQ(simulated->state.model.values, real->state.model.values);
}

TEST_F(PoolsBitsTest, OnTheRingTheyDifferByTheRoundingOfEachClientAtMost) {
  // Real clients round with secret randomness, up or down: one step of the grid each.
  const auto simulated = RunVirtual(With(kOneClientAPack, "ring"));
  ASSERT_TRUE(simulated) << simulated.error().message;
  const auto real = RunLoopback(With(kOneClientAPack, "ring"));
  ASSERT_TRUE(real) << real.error().message;

  EXPECT_EQ(simulated->sums[0].weight, real->sums[0].weight);
  const GridBlock& block = simulated->sums[0].blocks.at(0);
  const std::int64_t modulus = std::int64_t{1} << block.grid.bits;
  const std::vector<std::int64_t>& other = Integers(real->sums[0]);
  ASSERT_EQ(block.values.size(), other.size());
  for (std::size_t i = 0; i < other.size(); ++i) {
    const std::int64_t apart = std::abs(block.values[i] - other[i]);
    ASSERT_LE(std::min(apart, modulus - apart), std::ssize(clients_)) << i;
  }
}

TEST_F(PoolsBitsTest, ThreadsDoNotChangeABitOnEitherGrid) {
  // Every user a client, so that there are 60 packs to share out.
  scenario_.data.clients = "user";
  scenario_.strategy.quorum = 60;
  for (const char* grid : {"exact", "ring"}) {
    const auto one = RunVirtual(With(kOneClientAPack, grid, 1));
    ASSERT_TRUE(one) << one.error().message;
    for (const int threads : {2, 4}) {
      const auto many = RunVirtual(With(kOneClientAPack, grid, threads));
      ASSERT_TRUE(many) << many.error().message;
      EXPECT_EQ(Integers(many->sums.back()), Integers(one->sums.back())) << grid << threads;
      EXPECT_EQ(many->state.model.values, one->state.model.values) << grid << threads;
    }
  }
}

TEST_F(PoolsBitsTest, PackSizesMoveASumByRoundingAlone) {
  const auto apart = RunVirtual(With(kOneClientAPack, "exact"));
  const auto together = RunVirtual(With(512, "exact"));
  ASSERT_TRUE(apart && together);

  EXPECT_LE(LargestDifference(MeanDelta(apart->sums[0]), MeanDelta(together->sums[0])), 1e-6);
}

class NoCheckpoints : public coordinator::CheckpointSink {
 public:
  Status Save(const coordinator::RunState& /*state*/) override { return Ok(); }
};

class NoReports : public coordinator::RoundObserver {
 public:
  void OnRound(const coordinator::RoundReport& /*report*/) override {}

  void OnValidation(const coordinator::ValidationReport& /*report*/) override {}
};

TEST_F(PoolsBitsTest, ASimulationIsTheRoundLoopOnVirtualClients) {
  const auto assembled = RunVirtual(scenario_);
  ASSERT_TRUE(assembled) << assembled.error().message;
  const auto experiment = PrepareExperiment(scenario_);
  ASSERT_TRUE(experiment) << experiment.error().message;
  NoCheckpoints checkpoints;
  NoReports observer;

  const auto outcome = RunSimulation(
      {.experiment = **experiment, .checkpoints = checkpoints, .observer = observer, .stop = {}},
      FreshState(**experiment));

  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->run.state.model.values, assembled->state.model.values);
}

}  // namespace
}  // namespace rondo::sim
