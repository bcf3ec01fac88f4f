#include <filesystem>

#include <gtest/gtest.h>

#include "common/config/scenario.h"
#include "simulations/bench_workload.h"

namespace rondo::sim {
namespace {

TEST(BenchTest, W4TrainsByTheShippedRecipe) {
  const std::filesystem::path file = std::filesystem::path(RONDO_SCENARIOS) / "ml-1m.toml";
  const Result<Scenario> shipped =
      LoadScenario({.file = file, .environment = {}, .sets = {"data.path=/data"}});
  ASSERT_TRUE(shipped.has_value()) << shipped.error().message;

  // Everything but what only a whole run needs.
  Scenario w4 = MovieLensScenario("/data");
  w4.name = shipped->name;
  w4.seed = shipped->seed;
  w4.strategy.rounds = shipped->strategy.rounds;
  // How the rate moves over the rounds takes no time.
  w4.strategy.server_learning_rate = shipped->strategy.server_learning_rate;
  w4.strategy.schedule = shipped->strategy.schedule;
  w4.strategy.warmup = shipped->strategy.warmup;
  w4.strategy.cohort = shipped->strategy.cohort;
  w4.evaluation = shipped->evaluation;
  w4.checkpoint = shipped->checkpoint;

  EXPECT_EQ(ScenarioToToml(w4), ScenarioToToml(*shipped));
}

}  // namespace
}  // namespace rondo::sim
