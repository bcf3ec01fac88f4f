#include "coordinator/strategy.h"

#include <gtest/gtest.h>

#include "common/config/presets.h"

namespace rondo::coordinator {
namespace {

TEST(Strategy, ComposesEveryPreset) {
  for (const StrategyPreset& preset : StrategyPresets()) {
    const auto scenario = LoadScenario({.sets = {"strategy.name=" + preset.name}});
    ASSERT_TRUE(scenario.has_value()) << preset.name << ": " << scenario.error().message;
    const auto strategy = Strategy::Create(*scenario);
    ASSERT_TRUE(strategy.has_value()) << preset.name << ": " << strategy.error().message;
    const bool sums = scenario->strategy.aggregator == "mean";
    EXPECT_EQ((*strategy)->visibility(), sums ? Visibility::kSumOnly : Visibility::kIndividual);
  }
}

TEST(Strategy, RefusesUnknownPartsWithASuggestion) {
  Scenario name;
  name.strategy.name = "fedadm";
  Scenario optimizer;
  optimizer.strategy.server_optimizer = "addam";
  Scenario aggregator;
  aggregator.strategy.aggregator = "men";
  Scenario objective;
  objective.strategy.objective = "proximl";
  const std::vector<std::pair<Scenario, std::string>> cases = {
      {name, "fedadam"}, {optimizer, "adam"}, {aggregator, "mean"}, {objective, "proximal"}};

  for (const auto& [scenario, suggestion] : cases) {
    const auto strategy = Strategy::Create(scenario);
    ASSERT_FALSE(strategy.has_value()) << suggestion;
    EXPECT_EQ(strategy.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(strategy.error().message.find("did you mean '" + suggestion + "'"), std::string::npos)
        << strategy.error().message;
  }
}

TEST(Strategy, RefusesRulesThatTheCohortIsTooSmallFor) {
  Scenario scenario;
  scenario.strategy.aggregator = "krum";
  scenario.strategy.f = 10;
  scenario.strategy.cohort = 20;

  const auto strategy = Strategy::Create(scenario);
  ASSERT_FALSE(strategy.has_value());
  EXPECT_EQ(strategy.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(strategy.error().message,
            "strategy.aggregator: krum needs at least 2 f + 3 = 23 updates with f = 10, but the "
            "cohort has 20; lower strategy.f or take more clients a round");

  scenario.strategy.cohort = 23;
  EXPECT_TRUE(Strategy::Create(scenario).has_value());
  EXPECT_TRUE(Strategy::CheckClients(scenario.strategy, 23, "there are").has_value());
  EXPECT_FALSE(Strategy::CheckClients(scenario.strategy, 22, "there are").has_value());
  scenario.strategy.cohort = 0;
  EXPECT_FALSE(Strategy::CheckClients(scenario.strategy, 22, "there are").has_value());
}

TEST(Strategy, RefusesRowsThatNoCohortCouldMove) {
  Scenario scenario;
  scenario.strategy.row_contributors = 21;
  scenario.strategy.cohort = 20;

  const auto strategy = Strategy::Create(scenario);
  ASSERT_FALSE(strategy.has_value());
  EXPECT_EQ(strategy.error().message,
            "strategy.row_contributors: no row would ever move from 21 contributors on, since the "
            "cohort has 20; lower it or take more clients a round");
  scenario.strategy.row_contributors = 20;
  EXPECT_TRUE(Strategy::Create(scenario).has_value());
  EXPECT_FALSE(Strategy::CheckClients(scenario.strategy, 19, "there are").has_value());
}

TEST(Strategy, RefusesToLookAtSingleUpdatesUnderMasks) {
  Scenario scenario;
  scenario.privacy.mode = "masked";
  EXPECT_TRUE(Strategy::Create(scenario).has_value());

  Scenario median = scenario;
  median.strategy.aggregator = "median";
  Scenario mixed = scenario;
  mixed.strategy.pre = {"nnm"};
  Scenario rows = scenario;
  rows.strategy.row_clip = 1.0;
  Scenario few = scenario;
  few.strategy.row_contributors = 3;
  for (const auto& [refused, part] : {std::pair{median, "aggregator: \"median\""},
                                      std::pair{mixed, "pre: \"nnm\""},
                                      std::pair{rows, "row_clip"},
                                      std::pair{few, "row_contributors"}}) {
    const auto strategy = Strategy::Create(refused);
    ASSERT_FALSE(strategy.has_value()) << part;
    EXPECT_EQ(strategy.error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(strategy.error().message.find(std::string("strategy.") + part), 0U)
        << strategy.error().message;
  }
}

TEST(Strategy, PlansWhatTheScenarioSays) {
  Scenario scenario;
  scenario.seed = 3;
  scenario.data.seed = 4;
  scenario.strategy.objective = "proximal";
  scenario.strategy.proximal_mu = 0.1;
  scenario.model.dropout = 0.3;
  scenario.privacy.clip_norm = 2.0;
  scenario.client.epochs = 5;
  const GridSpec grid{.limit = 7.0};

  const TrainTask task = Strategy::Create(scenario).value()->PlanTraining(9, grid);

  EXPECT_EQ(task.round, 9U);
  EXPECT_EQ(task.seed, 3U);
  EXPECT_EQ(task.data_seed, 4U);
  EXPECT_EQ(task.proximal_mu, 0.1);
  EXPECT_EQ(task.dropout, 0.3);
  EXPECT_EQ(task.clip_norm, 2.0);
  EXPECT_EQ(task.client.epochs, 5);
  EXPECT_EQ(task.grid, grid);
}

TEST(Strategy, PlainObjectiveHasNoProximalTerm) {
  Scenario scenario;
  scenario.strategy.proximal_mu = 0.1;

  EXPECT_EQ(Strategy::Create(scenario).value()->PlanTraining(1, {}).proximal_mu, 0.0);
}

TEST(MeanAggregator, WeighsEachClient) {
  const auto layout = ParameterLayout::Create({{.name = "x", .shape = {2}}}).value();
  const auto update = [&](std::vector<float> values, std::uint64_t weight) {
    UpdateSum sum{.weight = weight, .contributors = 1};
    sum.blocks.push_back(
        MakeBlock(std::string(kDeltaBlock), layout, GridSpec{}, Scaling::kByWeight));
    EXPECT_TRUE(FoldDense(sum.blocks[0], values, weight, nullptr).has_value());
    return sum;
  };
  const auto aggregator =
      Strategy::Create({}).value()->NewAggregator({.round = 1, .model = layout});

  ASSERT_TRUE(aggregator->Accumulate(update({1.0F, 2.0F}, 3)).has_value());
  ASSERT_TRUE(aggregator->Accumulate(update({5.0F, -2.0F}, 1)).has_value());
  const ParameterVector mean = std::move(*aggregator).Report().value();

  EXPECT_EQ(mean.values, (std::vector<float>{2.0F, 1.0F}));
}

TEST(MeanAggregator, NeedsAContribution) {
  auto aggregator = Strategy::Create({}).value()->NewAggregator({.round = 1, .model = nullptr});
  EXPECT_EQ(aggregator->Accumulate(UpdateSum{}).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(std::move(*aggregator).Report().error().code, ErrorCode::kTooFewClients);
}

}  // namespace
}  // namespace rondo::coordinator
