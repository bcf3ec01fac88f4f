#include <algorithm>
#include <cmath>

#include "coordinator/aggregators/rules.h"
#include "simulations/simulation.h"
#include "tests/simulations/pools_fixture.h"
#include "tests/support/loop_fixture.h"

/// Every attack against every rule, for two rounds of a small model.
namespace rondo::sim {
namespace {

using rondo::testing::MemorySink;
using rondo::testing::RecordingObserver;

class AttackedRulesTest : public PoolsTest, public ::testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    PoolsTest::SetUp();
    scenario_.data.institutions = 15;
    scenario_.model = {.width = 4, .blocks = 1, .heads = 1, .history = 6, .dropout = 0.0};
    scenario_.client.epochs = 1;
    scenario_.strategy.rounds = 2;
    scenario_.strategy.quorum = 1;
    scenario_.strategy.f = 2;
    scenario_.attack = {.name = GetParam(), .share = 0.14};
  }

  /// The model after both rounds, none of which is void.
  void ExpectFinite(const std::string& what) {
    const auto experiment = PrepareExperiment(scenario_);
    ASSERT_TRUE(experiment) << what << ": " << experiment.error().message;
    ASSERT_EQ((*experiment)->attack->hostile().size(), 2U);
    MemorySink sink;
    RecordingObserver observer;
    const auto run =
        RunSimulation({.experiment = **experiment, .checkpoints = sink, .observer = observer},
                      FreshState(**experiment));
    ASSERT_TRUE(run) << what << ": " << run.error().message;
    for (const coordinator::RoundReport& round : observer.rounds) {
      EXPECT_FALSE(round.is_void) << what;
    }
    const std::vector<float>& model = run->run.state.model.values;
    EXPECT_TRUE(std::all_of(model.begin(), model.end(), [](float v) { return std::isfinite(v); }))
        << what;
    // Krum may choose an update of zeros.
    EXPECT_TRUE(GetParam() == "zero" || model != FreshState(**experiment).model.values) << what;
  }
};

TEST_P(AttackedRulesTest, NeitherEndTheRunNorReachTheModelWithNaN) {
  for (const coordinator::RuleEntry& rule : coordinator::Rules()) {
    scenario_.strategy.aggregator = rule.name;
    ExpectFinite(rule.name);
  }
  scenario_.strategy.aggregator = "row_median";
  scenario_.strategy.row_clip = 0.3;
  scenario_.strategy.row_contributors = 3;
  ExpectFinite("with row defences");
  scenario_.strategy.pre = {"nnm"};
  ExpectFinite("behind nnm");
}

INSTANTIATE_TEST_SUITE_P(All,
                         AttackedRulesTest,
                         ::testing::Values("sign_flip",
                                           "scaling",
                                           "gaussian",
                                           "nan",
                                           "inf",
                                           "zero",
                                           "ipm",
                                           "alie",
                                           "min_max",
                                           "min_sum",
                                           "mimic",
                                           "replay",
                                           "label_flip",
                                           "random_items",
                                           "popular_items",
                                           "bandwagon",
                                           "promotion"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace rondo::sim
