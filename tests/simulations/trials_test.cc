#include "simulations/trials.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/config/number_text.h"
#include "common/config/presets.h"
#include "common/core/file.h"
#include "simulations/compare_plan.h"
#include "simulations/compare_tuning.h"
#include "simulations/trial_grid.h"
#include "tests/support/temporary_folder.h"

namespace rondo::sim {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

TEST(SeedsTest, NumbersAndRanges) {
  EXPECT_THAT(ParseSeeds("1..5").value(), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(ParseSeeds("7,1..2,4").value(), ElementsAre(7, 1, 2, 4));
}

TEST(SeedsTest, WhatIsNoSeedIsNamed) {
  for (const char* text :
       {"", "a", "1..", "..3", "5..1", "1,,2", "1,", "-1", "1.5", "1..2000", "2,1..3"}) {
    const auto seeds = ParseSeeds(text);
    ASSERT_FALSE(seeds) << text;
    EXPECT_EQ(ExitCode(seeds.error().code), 4);
    EXPECT_THAT(seeds.error().message, HasSubstr("1..5")) << "it shows what is right";
  }
}

TEST(AxisTest, CommasInsideListsSeparateNothing) {
  EXPECT_THAT(ParseAxis(R"(model.attention=["dot","additive"],["multi_head"])").value().values,
              ElementsAre(R"(["dot","additive"])", R"(["multi_head"])"));
  EXPECT_THAT(ParseAxis("a.b=0.3,1,3").value().values, ElementsAre("0.3", "1", "3"));
  for (const char* text : {"a.b", "=1", "a.b=", "a.b=1,,2", "a.b=1,1"}) {
    EXPECT_FALSE(ParseAxis(text)) << text;
  }
}

TEST(AxisTest, FactorsGoWithTheValueOfTheScenario) {
  const ScenarioKeys base = {{"client.learning_rate", "0.002"}, {"client.loss", "\"bce\""}};
  EXPECT_THAT(
      Anchored({.key = "client.learning_rate", .values = {"x0.3", "x1", "5"}}, base).value().values,
      ElementsAre("6e-04", "0.002", "5"));
  EXPECT_FALSE(Anchored({.key = "client.loss", .values = {"x2"}}, base));
  EXPECT_THAT(Anchored({.key = "client.learnin_rate", .values = {"1"}}, base).error().message,
              HasSubstr("did you mean 'client.learning_rate'?"));
}

TEST(AxisTest, TheEndsOfAGridAreEdges) {
  const Axis axis{.key = "k", .values = {"1", "0.1", "10"}};
  EXPECT_EQ(EdgeOf(axis, "0.1"), "low");
  EXPECT_EQ(EdgeOf(axis, "1"), "");
  EXPECT_EQ(EdgeOf(axis, "10"), "high");
  EXPECT_EQ(EdgeOf({.key = "k", .values = {"1"}}, "1"), "") << "one value is no grid";
  EXPECT_EQ(EdgeOf({.key = "k", .values = {"adam", "sgd"}}, "sgd"), "");
}

TEST(GridTest, HasEveryPointOnce) {
  EXPECT_THAT(GridOf({{.key = "a", .values = {"1", "2"}}, {.key = "b", .values = {"x", "y"}}}),
              ElementsAre(ElementsAre("a=1", "b=x"),
                          ElementsAre("a=1", "b=y"),
                          ElementsAre("a=2", "b=x"),
                          ElementsAre("a=2", "b=y")));
}

TEST(GridTest, ASampleHasDifferentPointsAndEqualSeedsGiveEqualOnes) {
  std::vector<Settings> points;
  for (int i = 0; i < 50; ++i) {
    points.push_back({"k=" + std::to_string(i)});
  }
  const std::vector<Settings> sample = SampleOf(points, 10, 3);
  EXPECT_EQ(std::set(sample.begin(), sample.end()).size(), 10U);
  EXPECT_EQ(SampleOf(points, 10, 3), sample);
  EXPECT_NE(SampleOf(points, 10, 4), sample);
  EXPECT_EQ(SampleOf(points, 99, 3), points);
}

TEST(DrawTest, StaysInItsRangeAndGrowsFromItsBeginning) {
  const ScenarioKeys base = {{"rate", "1.0"}, {"blocks", "2"}};
  const std::vector<DrawnKey> keys = {ParseDrawnKey("rate=log:0.01..1").value(),
                                      ParseDrawnKey("blocks=1..3").value()};
  const std::vector<Settings> many = DrawPoints(keys, base, 200, 7).value();
  int below = 0;
  std::set<std::string> blocks;
  for (const Settings& point : many) {
    const double rate = ParseNumber(point[0].substr(5)).value();
    EXPECT_GE(rate, 0.01);
    EXPECT_LE(rate, 1.0);
    below += rate < 0.1 ? 1 : 0;
    blocks.insert(point[1]);
  }
  // Half of a logarithmic range lies below its geometric middle; the deviation is 7.
  EXPECT_NEAR(below, 100, 28);
  EXPECT_THAT(blocks, ElementsAre("blocks=1", "blocks=2", "blocks=3"));
  const std::vector<Settings> few = DrawPoints(keys, base, 5, 7).value();
  EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin()));
  for (const char* text : {"rate=log:0..1", "rate=2..1", "rate=log:1", "rate=a..b"}) {
    EXPECT_FALSE(ParseDrawnKey(text)) << text;
  }
}

TEST(NameOfTest, IsAFolderNameAndTellsSettingsApart) {
  EXPECT_EQ(NameOf({"a.b=1", "c.d=0.3"}), "a.b=1,c.d=0.3");
  const std::string odd = NameOf({"a.b=[\"x/y\"]"});
  EXPECT_EQ(odd.find('/'), std::string::npos);
  EXPECT_NE(odd, NameOf({"a.b=[\"x_y\"]"}));
  EXPECT_LT(NameOf({std::string(500, 'a')}).size(), 255U);
}

TEST(PurePresetTest, TakesNothingOfTheStrategyFromTheFile) {
  const rondo::testing::TemporaryFolder folder;
  const auto file = folder / "s.toml";
  ASSERT_TRUE(WriteTextFile(file,
                            "[data]\npath = \"d\"\n[strategy]\nname = \"fedadam\"\n"
                            "server_learning_rate = 0.5\nserver_momentum = 0.7\ncohort = 9\n"));
  const Scenario fedavg =
      LoadScenario({.file = file, .sets = PurePreset("fedavg").value()}).value();
  EXPECT_EQ(fedavg.strategy.server_learning_rate, 1.0);
  EXPECT_EQ(fedavg.strategy.server_momentum, 0.0);
  EXPECT_EQ(fedavg.strategy.server_optimizer, "sgd");
  EXPECT_EQ(fedavg.strategy.cohort, 9) << "what is no part of a preset stays";
  const Scenario adam = LoadScenario({.file = file, .sets = PurePreset("fedadam").value()}).value();
  EXPECT_EQ(adam.strategy.server_learning_rate, 1e-3);
  EXPECT_THAT(PurePreset("fedadm").error().message, HasSubstr("did you mean 'fedadam'?"));
}

class PlanTest : public ::testing::Test {
 protected:
  PlanTest() {
    EXPECT_TRUE(WriteTextFile(folder_ / "s.toml", "[data]\npath = \"d\"\n"));
    plan_.name = "p";
    plan_.scenario = folder_ / "s.toml";
    plan_.strategies = {"fedavg", "fedadam"};
  }

  rondo::testing::TemporaryFolder folder_;
  ComparePlan plan_;
};

TEST_F(PlanTest, GridsGoWithTheRatesOfEachPreset) {
  const std::vector<TunedStrategy> tuned = PlanTuning(plan_).value();
  ASSERT_EQ(tuned.size(), 2U);
  EXPECT_THAT(tuned[0].axes[1].values, ElementsAre("0.3", "1", "3"));
  EXPECT_THAT(tuned[1].axes[1].values, ElementsAre("3e-04", "0.001", "0.003"));
  EXPECT_EQ(tuned[0].trials.size(), 9U);
}

TEST_F(PlanTest, UnequalNumbersOfTrialsAreRefused) {
  plan_.tuning.grids["fedadam"] = {"strategy.beta1=0.5,0.9"};
  const auto unequal = PlanTuning(plan_);
  ASSERT_FALSE(unequal);
  EXPECT_THAT(unequal.error().message,
              AllOf(HasSubstr("fedavg 9, fedadam 18"), HasSubstr("tuning.trials")));
  plan_.tuning.trials = 9;
  const std::vector<TunedStrategy> drawn = PlanTuning(plan_).value();
  EXPECT_EQ(drawn[1].trials.size(), 9U);
  plan_.tuning.trials = 10;
  EXPECT_THAT(PlanTuning(plan_).error().message, HasSubstr("the grid of 'fedavg' has 9 points"));
}

TEST_F(PlanTest, WhatCannotBeComparedIsNamed) {
  EXPECT_TRUE(CheckPlan(plan_));
  plan_.reference = "fedyogi";
  EXPECT_THAT(CheckPlan(plan_).error().message, HasSubstr("'fedyogi' is not among"));
  plan_.reference = "";
  plan_.strategies = {"fedavg"};
  EXPECT_THAT(CheckPlan(plan_).error().message, HasSubstr("at least two strategies"));
  plan_.strategies = {"fedavg", "fedavg"};
  EXPECT_THAT(CheckPlan(plan_).error().message, HasSubstr("twice"));
}

TEST_F(PlanTest, AnUnknownKeyIsNamedWithItsPlace) {
  ASSERT_TRUE(WriteTextFile(folder_ / "c.toml", "scenario = \"s.toml\"\nseed = [1]\n"));
  const auto plan = LoadComparePlan(folder_ / "c.toml");
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().message,
              AllOf(HasSubstr("c.toml:2:1: unknown key 'seed'"), HasSubstr("did you mean")));
}

TEST_F(PlanTest, AWordAfterThePresetMakesAnotherArmOfIt) {
  ASSERT_TRUE(WriteTextFile(folder_ / "c.toml",
                            "scenario = \"s.toml\"\nstrategies = [\"fedavgm\", \"fedavgm+slow\"]\n"
                            "[settings_of]\n\"fedavgm+slow\" = [\"strategy.rounds=7\"]\n"));
  const ComparePlan plan = LoadComparePlan(folder_ / "c.toml").value();

  EXPECT_TRUE(CheckPlan(plan));
  const std::vector<std::string> plain = plan.SetsOf("fedavgm").value();
  std::vector<std::string> slow = plan.SetsOf("fedavgm+slow").value();
  ASSERT_FALSE(slow.empty());
  EXPECT_EQ(slow.back(), "strategy.rounds=7");
  slow.pop_back();
  EXPECT_EQ(slow, plain);
}

TEST(ShippedComparisons, TheOneOfDevicesNamesArmsThatCanRun) {
  const std::filesystem::path file =
      std::filesystem::path(RONDO_SCENARIOS) / "compare-devices.toml";
  const ComparePlan plan = LoadComparePlan(file).value();

  EXPECT_TRUE(CheckPlan(plan));
  for (const std::string& strategy : plan.strategies) {
    const auto sets = plan.SetsOf(strategy);
    ASSERT_TRUE(sets) << sets.error().message;
    const auto scenario = LoadScenario({.file = plan.scenario, .sets = *sets});
    ASSERT_TRUE(scenario) << scenario.error().message;
    EXPECT_TRUE(scenario->devices.virtual_clock);
    EXPECT_EQ(scenario->strategy.buffer > 0, strategy.starts_with("fedbuff")) << strategy;
  }
}

TEST(ShippedComparisons, LoadAndPlanEqualTrials) {
  for (const char* name : {"compare.toml",
                           "compare-institutions.toml",
                           "compare-regions.toml",
                           "compare-attacks.toml"}) {
    const ComparePlan plan = LoadComparePlan(std::filesystem::path(RONDO_SCENARIOS) / name).value();
    EXPECT_TRUE(CheckPlan(plan)) << name;
    const auto tuned = PlanTuning(plan);
    ASSERT_TRUE(tuned) << tuned.error().message;
    for (const TunedStrategy& strategy : *tuned) {
      EXPECT_EQ(strategy.trials.size(), tuned->front().trials.size()) << name;
      std::set<std::string> keys;
      for (const Axis& axis : strategy.axes) {
        keys.insert(axis.values.size() > 1 ? axis.key : "");
      }
      EXPECT_THAT(keys, IsSupersetOf({"client.learning_rate", "strategy.server_learning_rate"}))
          << name << ", " << strategy.name;
    }
    EXPECT_GE(plan.seeds.size(), plan.attacks.empty() ? 5U : 1U) << "attacks multiply the runs";
  }
}

}  // namespace
}  // namespace rondo::sim
