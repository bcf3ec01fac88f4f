#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "common/config/scenario.h"

namespace rondo {
namespace {

TEST(ShippedScenarios, LoadAndValidate) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(RONDO_SCENARIOS)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".toml") || name.starts_with("compare")) {
      continue;  // Comparisons have a format of their own.
    }
    const Result<Scenario> scenario =
        LoadScenario({.file = entry.path(), .environment = {}, .sets = {}});
    ASSERT_TRUE(scenario.has_value()) << scenario.error().message;
    EXPECT_TRUE(ValidateScenario(*scenario).has_value());
    EXPECT_EQ(scenario->name, entry.path().stem().string());
    ++count;
  }
  EXPECT_GE(count, 3);
}

TEST(ShippedScenarios, PresetFillsTheKeysThatTheFileLeavesOut) {
  const std::filesystem::path file = std::filesystem::path(RONDO_SCENARIOS) / "demo.toml";

  const Result<Scenario> scenario = LoadScenario({.file = file, .environment = {}, .sets = {}});

  ASSERT_TRUE(scenario.has_value()) << scenario.error().message;
  EXPECT_EQ(scenario->strategy.server_optimizer, "adam");
  EXPECT_DOUBLE_EQ(scenario->strategy.server_learning_rate, 4e-3);
  EXPECT_EQ(scenario->data.path.lexically_normal(),
            (file / "../../../build/demo-data").lexically_normal());
}

}  // namespace
}  // namespace rondo
