#include "common/federated/parameters.h"
#include "tests/simulations/pools_fixture.h"

namespace rondo::sim {
namespace {

/// Expects that the first rounds folded the same mean delta from the same clients.
void ExpectSameFirstUpdate(const PoolRun& a, const PoolRun& b) {
  ASSERT_FALSE(a.sums.empty() || b.sums.empty());
  EXPECT_EQ(a.sums[0].weight, b.sums[0].weight);
  EXPECT_EQ(a.sums[0].contributors, b.sums[0].contributors);
  EXPECT_LE(LargestDifference(MeanDelta(a.sums[0]), MeanDelta(b.sums[0])), kTolerance);
}

TEST_F(ThreePoolsTest, OneScenarioEndsWithTheSameModelInAllThreePools) {
  RunAllThree();
  ASSERT_TRUE(over_tls_);

  const ParameterVector& model = simulated_->state.model;
  const ParameterVector initial = InitialParameters(model.layout, scenario_.seed);
  EXPECT_GT(LargestDifference(model.values, initial.values), 1e-3) << "nothing was trained";
  EXPECT_EQ(simulated_->state.round, 3U);
  EXPECT_EQ(over_tls_->state.round, 3U);
  EXPECT_LE(LargestDifference(model.values, in_memory_->state.model.values), kTolerance);
  EXPECT_LE(LargestDifference(model.values, over_tls_->state.model.values), kTolerance);
  // The wire changes no bit.
  EXPECT_EQ(over_tls_->state.model.values, in_memory_->state.model.values);
}

TEST_F(ThreePoolsTest, UnderServerAdamTheFirstFoldedUpdateIsTheSameInAllThreePools) {
  // Adam divides by the root of squared updates, so where an update is all but zero its step turns
  // rounding into a whole learning rate: what must agree is the update before the optimiser.
  scenario_.strategy.server_optimizer = "adam";
  scenario_.strategy.server_learning_rate = 0.01;
  scenario_.strategy.rounds = 2;
  RunAllThree();
  ASSERT_TRUE(over_tls_);

  EXPECT_EQ(simulated_->state.optimizer_steps, 2U);
  ExpectSameFirstUpdate(*simulated_, *in_memory_);
  ExpectSameFirstUpdate(*simulated_, *over_tls_);
  EXPECT_EQ(over_tls_->state.model.values, in_memory_->state.model.values);
}

TEST_F(ThreePoolsTest, NormalisedClientsOfDifferentStepsGiveTheSameModelInAllThreePools) {
  scenario_.strategy.name = "fednova";
  scenario_.strategy.objective = "normalised";
  scenario_.client.steps = 0;
  scenario_.client.epochs = 2;
  scenario_.client.batch_size = 4;
  RunAllThree();
  ASSERT_TRUE(over_tls_);

  const ParameterVector& model = simulated_->state.model;
  EXPECT_LE(LargestDifference(model.values, in_memory_->state.model.values), kTolerance);
  EXPECT_EQ(over_tls_->state.model.values, in_memory_->state.model.values);
  scenario_.strategy.objective = "plain";
  const auto plain = RunVirtual(scenario_);
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_GT(LargestDifference(model.values, plain->state.model.values), 1e-4)
      << "all clients took the same steps";
}

TEST_F(ThreePoolsTest, ABufferOfEverybodyGivesSynchronousRoundsInAllThreePools) {
  const auto synchronous = RunVirtual(scenario_);
  ASSERT_TRUE(synchronous) << synchronous.error().message;
  scenario_.strategy.name = "fedbuff";
  scenario_.strategy.buffer = 3;
  scenario_.evaluation.every = 2;
  RunAllThree();
  ASSERT_TRUE(over_tls_);

  const ParameterVector& model = simulated_->state.model;
  EXPECT_EQ(model.values, synchronous->state.model.values);
  EXPECT_LE(LargestDifference(model.values, in_memory_->state.model.values), kTolerance);
  EXPECT_EQ(over_tls_->state.model.values, in_memory_->state.model.values);
}

TEST_F(ThreePoolsTest, ARuleOverSingleUpdatesChoosesTheSameInAllThreePools) {
  scenario_.strategy.name = "krum";
  scenario_.strategy.aggregator = "krum";
  RunAllThree();
  ASSERT_TRUE(over_tls_);

  // Single updates, three a round, in the order of their clients whatever the order of arrival.
  ASSERT_EQ(simulated_->sums.size(), 9U);
  ASSERT_EQ(over_tls_->sums.size(), 9U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(simulated_->sums[i].contributors, 1U);
    EXPECT_EQ(simulated_->sums[i].weight, over_tls_->sums[i].weight);
  }
  const ParameterVector& model = simulated_->state.model;
  EXPECT_GT(LargestDifference(model.values, InitialParameters(model.layout, scenario_.seed).values),
            1e-3);
  EXPECT_LE(LargestDifference(model.values, in_memory_->state.model.values), kTolerance);
  EXPECT_EQ(over_tls_->state.model.values, in_memory_->state.model.values);
}

TEST_F(ThreePoolsTest, RowsThatTooFewContributeToStayTheSameInAllThreePools) {
  scenario_.strategy.name = "row_median";
  scenario_.strategy.aggregator = "row_median";
  scenario_.strategy.row_contributors = 2;
  scenario_.strategy.row_clip = 0.5;
  RunAllThree();
  ASSERT_TRUE(over_tls_);

  const ParameterVector& model = simulated_->state.model;
  const ParameterVector initial = InitialParameters(model.layout, scenario_.seed);
  const auto moved = [&](std::ptrdiff_t row) {
    const auto width = static_cast<std::ptrdiff_t>(model.layout->Find("item.weight")->shape.back());
    const auto begin = model.Tensor("item.weight").begin() + row * width;
    return !std::equal(begin, begin + width, initial.Tensor("item.weight").begin() + row * width);
  };
  std::ptrdiff_t count = 0;
  const auto rows = static_cast<std::ptrdiff_t>(model.layout->Find("item.weight")->shape.front());
  for (std::ptrdiff_t row = 1; row < rows; ++row) {
    count += moved(row) ? 1 : 0;
  }
  EXPECT_GT(count, 0);
  EXPECT_LT(count, rows - 1) << "no row was held back";
  EXPECT_LE(LargestDifference(model.values, in_memory_->state.model.values), kTolerance);
  EXPECT_EQ(over_tls_->state.model.values, in_memory_->state.model.values);
}

TEST_F(PoolsTest, AMinibatchRoundIsTheSameWithSharedWeights) {
  // One local step and nothing a client alone can see: the simulation trains one set of weights.
  scenario_.client.epochs = 1;
  scenario_.client.batch_size = 64;
  const auto simulated = RunVirtual(scenario_);
  ASSERT_TRUE(simulated) << simulated.error().message;
  const auto in_memory = RunLoopback(scenario_);
  ASSERT_TRUE(in_memory) << in_memory.error().message;

  ExpectSameFirstUpdate(*simulated, *in_memory);
  EXPECT_LE(LargestDifference(simulated->state.model.values, in_memory->state.model.values),
            kTolerance);
}

}  // namespace
}  // namespace rondo::sim
