#include <gtest/gtest.h>

#include "common/config/presets.h"
#include "common/federated/control_variates.h"
#include "common/federated/dynamic.h"
#include "common/federated/low_rank.h"
#include "coordinator/strategy.h"

namespace rondo::coordinator {
namespace {

constexpr std::size_t kPopulation = 8;

/// Two shared numbers, one personal, one frozen.
std::shared_ptr<const ParameterLayout> MixedLayout() {
  return ParameterLayout::Create({{.name = "a", .shape = {2}},
                                  {.name = "p", .shape = {1}, .group = ParameterGroup::kPersonal},
                                  {.name = "f", .shape = {1}, .group = ParameterGroup::kFrozen}})
      .value();
}

class ObjectivesTest : public ::testing::Test {
 protected:
  void Use(const std::string& objective) {
    Scenario scenario;
    scenario.strategy.objective = objective;
    scenario.strategy.dynamic_alpha = objective == "dynamic" ? 0.1 : 0.0;
    scenario.strategy.server_learning_rate = 1.0;
    strategy_ = Strategy::Create(scenario).value();
  }

  UpdateSum Update(std::vector<float> delta, std::optional<std::vector<float>> control = {}) const {
    UpdateSum sum{.weight = 2, .contributors = 1};
    sum.blocks.push_back(
        MakeBlock(std::string(kDeltaBlock), shared_, GridSpec{}, Scaling::kByWeight));
    EXPECT_TRUE(FoldDense(sum.blocks[0], delta, sum.weight, nullptr).has_value());
    if (control) {
      sum.blocks.push_back(
          MakeBlock(std::string(kControlVector), shared_, GridSpec{}, Scaling::kPerClient));
      EXPECT_TRUE(FoldDense(sum.blocks[1], *control, 1, nullptr).has_value());
    }
    return sum;
  }

  /// Aggregates one round; the server step is the caller's.
  Result<ParameterVector> Mean(std::vector<UpdateSum> updates) {
    const auto aggregator =
        strategy_->NewAggregator({.round = 1, .model = layout_, .population = kPopulation});
    for (UpdateSum& update : updates) {
      RONDO_TRY_STATUS(aggregator->Accumulate(std::move(update)));
    }
    return std::move(*aggregator).Report();
  }

  std::vector<float> Control() const {
    const std::vector<NamedVector> extra = strategy_->Extra(model_, kPopulation);
    EXPECT_EQ(extra.size(), 1U);
    EXPECT_EQ(extra.front().name, kControlVector);
    return extra.front().vector.values;
  }

  std::shared_ptr<const ParameterLayout> layout_ = MixedLayout();
  std::shared_ptr<const ParameterLayout> shared_ = SharedLayout(layout_);
  ParameterVector model_{.layout = layout_, .values = {1.0F, 2.0F, 3.0F, 4.0F}};
  std::unique_ptr<Strategy> strategy_;
};

TEST_F(ObjectivesTest, TheServersControlVariateMovesByTheChangesOverAllClients) {
  Use("control_variates");
  EXPECT_EQ(Control(), (std::vector<float>{0, 0, 0, 0}));
  std::vector<UpdateSum> updates;
  updates.push_back(Update({1.0F, 0.0F}, std::vector<float>{4.0F, -8.0F}));
  updates.push_back(Update({3.0F, 2.0F}, std::vector<float>{12.0F, 0.0F}));
  const auto mean = Mean(std::move(updates));
  ASSERT_TRUE(mean) << mean.error().message;

  EXPECT_EQ(mean->values, (std::vector<float>{2.0F, 1.0F, 0.0F, 0.0F}));
  ASSERT_TRUE(strategy_->optimizer().Step(model_, *mean));
  EXPECT_EQ(Control(), (std::vector<float>{2.0F, -1.0F, 0.0F, 0.0F}));
  EXPECT_EQ(model_.values, (std::vector<float>{3.0F, 3.0F, 3.0F, 4.0F}));
}

TEST_F(ObjectivesTest, ASumOfClientsGivesTheBitsOfSingleUpdates) {
  Use("control_variates");
  UpdateSum both = Update({0.1F, 0.7F}, std::vector<float>{0.3F, 0.9F});
  ASSERT_TRUE(both.Add(Update({0.2F, 0.4F}, std::vector<float>{0.6F, -0.1F})));
  std::vector<UpdateSum> one;
  one.push_back(std::move(both));
  ASSERT_TRUE(strategy_->optimizer().Step(model_, Mean(std::move(one)).value()));
  const std::vector<float> summed = Control();
  const std::vector<float> model = model_.values;

  Use("control_variates");
  model_.values = {1.0F, 2.0F, 3.0F, 4.0F};
  std::vector<UpdateSum> two;
  two.push_back(Update({0.1F, 0.7F}, std::vector<float>{0.3F, 0.9F}));
  two.push_back(Update({0.2F, 0.4F}, std::vector<float>{0.6F, -0.1F}));
  ASSERT_TRUE(strategy_->optimizer().Step(model_, Mean(std::move(two)).value()));
  EXPECT_EQ(Control(), summed);
  EXPECT_EQ(model_.values, model);
}

TEST_F(ObjectivesTest, ARoundThatTurnsOutVoidChangesNoState) {
  Use("control_variates");
  std::vector<UpdateSum> updates;
  updates.push_back(Update({1.0F, 0.0F}, std::vector<float>{4.0F, -8.0F}));
  ASSERT_TRUE(Mean(std::move(updates)));
  EXPECT_EQ(Control(), (std::vector<float>{0, 0, 0, 0}));
  EXPECT_TRUE(strategy_->optimizer().SaveState().empty());
}

TEST_F(ObjectivesTest, AnUpdateWithoutItsControlVariateIsRefused) {
  Use("control_variates");
  std::vector<UpdateSum> updates;
  updates.push_back(Update({1.0F, 0.0F}));
  EXPECT_EQ(Mean(std::move(updates)).error().code, ErrorCode::kFailedPrecondition);
}

TEST_F(ObjectivesTest, FedDynsStepIsTheMeanPlusTheDriftSoFar) {
  Use("dynamic");
  EXPECT_TRUE(strategy_->Extra(model_, kPopulation).empty());
  // By hand: two of eight clients, so the drift moves by a quarter of the mean.
  std::vector<UpdateSum> first;
  first.push_back(Update({4.0F, 0.0F}));
  first.push_back(Update({0.0F, 8.0F}));
  const auto mean = Mean(std::move(first));
  ASSERT_TRUE(mean) << mean.error().message;
  EXPECT_EQ(mean->values, (std::vector<float>{2.5F, 5.0F, 0.0F, 0.0F}));
  ASSERT_TRUE(strategy_->optimizer().Step(model_, *mean));

  std::vector<UpdateSum> second;
  second.push_back(Update({8.0F, 0.0F}));
  second.push_back(Update({8.0F, 0.0F}));
  const auto next = Mean(std::move(second));
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_EQ(next->values, (std::vector<float>{8.0F + 0.5F + 2.0F, 1.0F, 0.0F, 0.0F}));
}

TEST_F(ObjectivesTest, StateGoesThroughTheCheckpoint) {
  for (const char* objective : {"control_variates", "dynamic"}) {
    Use(objective);
    const bool control = std::string(objective) == "control_variates";
    const auto update = [&] {
      std::vector<UpdateSum> updates;
      updates.push_back(Update({1.0F, 3.0F},
                               control ? std::optional<std::vector<float>>({5.0F, 7.0F})
                                       : std::optional<std::vector<float>>()));
      return updates;
    };
    model_.values = {1.0F, 2.0F, 3.0F, 4.0F};
    ASSERT_TRUE(strategy_->optimizer().Step(model_, Mean(update()).value()));
    const auto saved = strategy_->optimizer().SaveState();
    ASSERT_EQ(saved.size(), 1U);
    EXPECT_EQ(saved.front().second.layout->digest(), layout_->digest());
    const ParameterVector expected = Mean(update()).value();

    Use(objective);
    ASSERT_TRUE(strategy_->optimizer().LoadState(saved, 1));
    EXPECT_EQ(Mean(update())->values, expected.values);

    Use("plain");
    EXPECT_EQ(strategy_->optimizer().LoadState(saved, 1).error().code, ErrorCode::kInvalidArgument);
  }
}

TEST_F(ObjectivesTest, RulesThatDistrustClientsRefuseControlVariates) {
  for (const auto& [key, rule] : {std::pair("median", 0.0), std::pair("mean", 1.0)}) {
    Scenario scenario;
    scenario.strategy.objective = "control_variates";
    scenario.strategy.aggregator = key;
    scenario.strategy.row_clip = rule;
    const auto strategy = Strategy::Create(scenario);
    ASSERT_FALSE(strategy);
    EXPECT_EQ(strategy.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(strategy.error().message.find("strategy.objective"), std::string::npos);
  }
}

TEST_F(ObjectivesTest, TheControlVariateStaysTheMeanWhenClientsJoin) {
  Use("control_variates");
  std::vector<UpdateSum> updates;
  updates.push_back(Update({0.0F, 0.0F}, std::vector<float>{8.0F, 16.0F}));
  ASSERT_TRUE(strategy_->optimizer().Step(model_, Mean(std::move(updates)).value()));
  EXPECT_EQ(strategy_->Extra(model_, 4).front().vector.values, (std::vector<float>{2, 4, 0, 0}));
  EXPECT_EQ(strategy_->Extra(model_, 16).front().vector.values,
            (std::vector<float>{0.5F, 1, 0, 0}));
}

TEST_F(ObjectivesTest, WhatCannotWorkTogetherIsRefused) {
  const struct {
    void (*spoil)(Scenario&);
    const char* key;
  } cases[] = {{[](Scenario& s) {
                  s.strategy.objective = "dynamic";
                  s.strategy.row_contributors = 2;
                },
                "strategy.row_contributors"},
               {[](Scenario& s) {
                  s.compression.stages = {"top_k"};
                  s.strategy.aggregator = "median";
                },
                "compression.stages"},
               {[](Scenario& s) {
                  s.compression.stages = {"low_rank"};
                  s.strategy.row_clip = 0.3;
                },
                "compression.stages"}};

  for (const auto& [spoil, key] : cases) {
    Scenario scenario;
    spoil(scenario);
    const auto strategy = Strategy::Create(scenario);
    ASSERT_FALSE(strategy) << key;
    EXPECT_EQ(strategy.error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(strategy.error().message.find(key), 0U) << strategy.error().message;
  }
}

TEST_F(ObjectivesTest, LowRankUpdatesComeBackInTheModelsLayout) {
  layout_ = ParameterLayout::Create({{.name = "item.weight",
                                      .shape = {4, 8},
                                      .row_addressable = true,
                                      .zero_first_row = true},
                                     {.name = "b", .shape = {2}}})
                .value();
  Scenario scenario;
  scenario.compression.stages = {"low_rank"};
  scenario.compression.rank = 2;
  strategy_ = Strategy::Create(scenario).value();
  ParameterVector delta{.layout = layout_, .values = std::vector<float>(layout_->size())};
  for (std::size_t i = 8; i < delta.values.size(); ++i) {
    delta.values[i] = 0.01F * static_cast<float>(i);
  }
  const auto sketched = LowRankLayout(layout_, 2);
  ASSERT_LT(sketched->size(), layout_->size());
  const ParameterVector sketch = Project(delta, sketched, scenario.seed, 1);
  shared_ = sketched;
  std::vector<UpdateSum> updates;
  updates.push_back(Update(sketch.values));

  const auto mean = Mean(std::move(updates));
  ASSERT_TRUE(mean) << mean.error().message;
  EXPECT_EQ(mean->layout->digest(), layout_->digest());
  const ParameterVector expected = Unproject(sketch, layout_, scenario.seed, 1);
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    EXPECT_NEAR(mean->values[i], expected.values[i], 1e-6) << i;
  }
}

}  // namespace
}  // namespace rondo::coordinator
