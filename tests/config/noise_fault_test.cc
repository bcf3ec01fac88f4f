#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/config/scenario.h"

namespace rondo {
namespace {

using ::testing::HasSubstr;

Scenario Private() {
  Scenario scenario;
  scenario.strategy.weighting = "uniform";
  scenario.strategy.cohort = 100;
  scenario.privacy.clip_norm = 1.0;
  scenario.privacy.noise_multiplier = 1.0;
  return scenario;
}

TEST(NoiseFault, ANoisyScenarioIsValid) {
  Scenario scenario = Private();
  EXPECT_TRUE(ValidateScenario(scenario)) << ValidateScenario(scenario).error().message;
  scenario.privacy.sampling = "poisson";
  scenario.privacy.clip_quantile = 0.5;
  scenario.privacy.target_epsilon = 8.0;
  scenario.privacy.unit = "user";
  EXPECT_TRUE(ValidateScenario(scenario)) << ValidateScenario(scenario).error().message;
}

TEST(NoiseFault, RefusesWhatNoiseCannotBeMeasuredBy) {
  const struct {
    const char* key;
    std::function<void(Scenario&)> change;
  } cases[] = {
      {"privacy.clip_norm",
       [](Scenario& s) {
         s.privacy.clip_norm = 0.0;
       }},
      {"strategy.weighting",
       [](Scenario& s) {
         s.strategy.weighting = "positions";
       }},
      {"strategy.cohort",
       [](Scenario& s) {
         s.strategy.cohort = 0;
       }},
      {"strategy.aggregator",
       [](Scenario& s) {
         s.strategy.aggregator = "median";
       }},
      {"strategy.aggregator",
       [](Scenario& s) {
         s.strategy.pre = {"nnm"};
       }},
      {"strategy.aggregator",
       [](Scenario& s) {
         s.strategy.row_clip = 0.1;
       }},
      {"strategy.objective",
       [](Scenario& s) {
         s.strategy.objective = "normalised";
       }},
      {"compression.stages",
       [](Scenario& s) {
         s.compression.stages = {"low_rank"};
       }},
      {"strategy.buffer",
       [](Scenario& s) {
         s.strategy.buffer = 10;
       }},
      {"evaluation.patience",
       [](Scenario& s) {
         s.evaluation.patience = 2;
       }},
      {"strategy.over_selection",
       [](Scenario& s) {
         s.privacy.sampling = "poisson";
         s.strategy.over_selection = 1.2;
       }},
      {"privacy.unit",
       [](Scenario& s) {
         s.privacy.unit = "user";
         s.data.clients = "column:occupation";
       }},
      {"privacy.clip_quantile",
       [](Scenario& s) {
         s.privacy.clip_quantile = 0.5;
         s.privacy.noise_multiplier = 10.0;
       }},
      {"privacy.target_epsilon",
       [](Scenario& s) {
         s.privacy.noise_multiplier = 0.0;
         s.privacy.target_epsilon = 5.0;
       }},
      {"privacy.sampling",
       [](Scenario& s) {
         s.privacy.noise_multiplier = 0.0;
         s.privacy.sampling = "poisson";
       }},
  };

  for (const auto& test : cases) {
    Scenario scenario = Private();
    test.change(scenario);
    const Status valid = ValidateScenario(scenario);
    ASSERT_FALSE(valid) << test.key;
    EXPECT_THAT(valid.error().message, HasSubstr(test.key));
  }
}

}  // namespace
}  // namespace rondo
