#include "coordinator/strategy.h"

#include <gtest/gtest.h>

namespace rondo::coordinator {
namespace {

TEST(Strategy, ComposesEveryPreset) {
  for (const char* name : {"fedavg", "fedprox", "fedavgm", "fedadam"}) {
    Scenario scenario;
    scenario.strategy.name = name;
    EXPECT_TRUE(Strategy::Create(scenario).has_value()) << name;
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
  const auto aggregator = Strategy::Create({}).value()->NewAggregator();

  ASSERT_TRUE(aggregator->Accumulate(update({1.0F, 2.0F}, 3)).has_value());
  ASSERT_TRUE(aggregator->Accumulate(update({5.0F, -2.0F}, 1)).has_value());
  const ParameterVector mean = std::move(*aggregator).Report().value();

  EXPECT_EQ(mean.values, (std::vector<float>{2.0F, 1.0F}));
}

TEST(MeanAggregator, NeedsAContribution) {
  auto aggregator = Strategy::Create({}).value()->NewAggregator();
  EXPECT_EQ(aggregator->Accumulate(UpdateSum{}).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(std::move(*aggregator).Report().error().code, ErrorCode::kTooFewClients);
}

}  // namespace
}  // namespace rondo::coordinator
