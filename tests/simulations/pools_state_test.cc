#include "common/federated/local_round.h"
#include "tests/simulations/pools_fixture.h"

/// Objectives, parameters and compression that clients keep something for: the same in all pools.
namespace rondo::sim {
namespace {

class StatePoolsTest : public ThreePoolsTest {
 protected:
  /// Runs the scenario in all pools, and a plain one in the simulation.
  void ExpectOneModel() {
    Scenario plain = scenario_;
    plain.strategy.objective = "plain";
    plain.strategy.dynamic_alpha = 0.0;
    plain.compression = {};
    plain.model.personal.clear();
    plain.model.frozen.clear();
    const auto without = RunVirtual(plain);
    ASSERT_TRUE(without) << without.error().message;
    RunAllThree();
    ASSERT_TRUE(over_tls_);

    const ParameterVector& model = simulated_->state.model;
    EXPECT_EQ(simulated_->state.void_rounds, 0U);
    EXPECT_GT(LargestDifference(model.values, without->state.model.values), 1e-5)
        << "nothing was different";
    EXPECT_LE(LargestDifference(model.values, in_memory_->state.model.values), kTolerance);
    EXPECT_EQ(over_tls_->state.model.values, in_memory_->state.model.values);
  }
};

TEST_F(StatePoolsTest, Scaffold) {
  scenario_.strategy.objective = "control_variates";
  scenario_.client.learning_rate = 0.1;
  ExpectOneModel();
  EXPECT_EQ(simulated_->state.optimizer_steps, 3U);
}

TEST_F(StatePoolsTest, FedDyn) {
  scenario_.strategy.objective = "dynamic";
  scenario_.strategy.dynamic_alpha = 0.05;
  scenario_.client.learning_rate = 0.1;
  ExpectOneModel();
}

TEST_F(StatePoolsTest, PersonalAndFrozenParameters) {
  scenario_.model.personal = {"norm."};
  scenario_.model.frozen = {"position."};
  ExpectOneModel();
  const ParameterVector& model = simulated_->state.model;
  const ParameterVector initial = InitialParameters(model.layout, scenario_.seed);
  for (const ParameterEntry& entry : model.layout->entries()) {
    const bool moved = LargestDifference(model.Tensor(entry.name), initial.Tensor(entry.name)) > 0;
    EXPECT_EQ(moved, entry.group == ParameterGroup::kShared) << entry.name;
  }
}

TEST_F(StatePoolsTest, LowRankUpdates) {
  scenario_.compression.stages = {"low_rank"};
  scenario_.compression.rank = 4;
  ExpectOneModel();
}

TEST_F(StatePoolsTest, TheLargestCoordinatesWithErrorFeedback) {
  scenario_.compression.stages = {"top_k"};
  scenario_.compression.top_k = 0.1;
  ExpectOneModel();
}

TEST_F(StatePoolsTest, QuantisedUpdatesAreCloseToPlainOnes) {
  // The rounding of a real client is its own secret, so bits differ.
  scenario_.strategy.rounds = 1;
  const auto plain = RunVirtual(scenario_);
  ASSERT_TRUE(plain) << plain.error().message;
  scenario_.compression.stages = {"quantise"};
  scenario_.compression.bits = 12;
  RunAllThree();
  ASSERT_TRUE(over_tls_);
  for (const auto* run : {&*simulated_, &*in_memory_, &*over_tls_}) {
    const double difference = LargestDifference(run->state.model.values, plain->state.model.values);
    EXPECT_GT(difference, 0.0);
    EXPECT_LT(difference, 1e-2);
  }
}

TEST_F(StatePoolsTest, ScaffoldsFirstRoundIsFedAvgs) {
  scenario_.strategy.rounds = 1;
  const auto plain = RunVirtual(scenario_);
  ASSERT_TRUE(plain) << plain.error().message;
  scenario_.strategy.objective = "control_variates";
  const auto scaffold = RunVirtual(scenario_);
  ASSERT_TRUE(scaffold) << scaffold.error().message;
  EXPECT_LE(LargestDifference(scaffold->state.model.values, plain->state.model.values), kTolerance);
}

TEST_F(StatePoolsTest, ScaffoldOfOneClientIsFedAvg) {
  // c is then the mean of one c_i, and their difference is zero in every round.
  scenario_.data.institutions = 1;
  scenario_.strategy.quorum = 1;
  scenario_.client.learning_rate = 0.1;
  const auto plain = RunVirtual(scenario_);
  ASSERT_TRUE(plain) << plain.error().message;
  scenario_.strategy.objective = "control_variates";
  const auto scaffold = RunVirtual(scenario_);
  ASSERT_TRUE(scaffold) << scaffold.error().message;
  EXPECT_LE(LargestDifference(scaffold->state.model.values, plain->state.model.values), 1e-5);
}

TEST_F(StatePoolsTest, FedDynWithoutAPullMovesAsFedAvgPlusTheDrift) {
  // As alpha goes to 0 clients train plainly; the server's first step with everybody there is the
  // mean and, since all contributed, the mean again.
  scenario_.strategy.rounds = 1;
  const auto plain = RunVirtual(scenario_);
  ASSERT_TRUE(plain) << plain.error().message;
  scenario_.strategy.objective = "dynamic";
  scenario_.strategy.dynamic_alpha = 1e-9;
  const auto dynamic = RunVirtual(scenario_);
  ASSERT_TRUE(dynamic) << dynamic.error().message;
  const ParameterVector& initial = InitialParameters(plain->state.model.layout, scenario_.seed);
  std::vector<float> expected = plain->state.model.values;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    expected[i] += expected[i] - initial.values[i];
  }
  EXPECT_LE(LargestDifference(dynamic->state.model.values, expected), 1e-5);
}

}  // namespace
}  // namespace rondo::sim
