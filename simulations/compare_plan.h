#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/binder.h"
#include "simulations/compare_runs.h"

/// What a comparison file says.
namespace rondo::sim {

struct TuningPlan {
  bool enabled = true;
  int trials = 0;             ///< a strategy: drawn from its grid; 0: the whole grid
  int rounds = 0;             ///< of a trial; 0: those of the scenario
  std::uint64_t seed = 1000;  ///< of the trials' weights and cohorts, and of the draws
  /// Axes for every strategy; "x3" is three times the strategy's own value
  std::vector<std::string> grid = {"client.learning_rate=x0.3,x1,x3",
                                   "strategy.server_learning_rate=x0.3,x1,x3"};
  std::map<std::string, std::vector<std::string>> grids;  ///< [strategy] over `grid`, key by key
};

struct ComparePlan {
  std::string name;                ///< of the folder; empty: the file's
  std::filesystem::path scenario;  ///< what all runs share; its strategy is not used
  /// Presets; "preset+word" is another arm of the same preset, with settings of its own.
  std::vector<std::string> strategies;
  std::vector<int> seeds = {1, 2, 3, 4, 5};
  std::string reference;                   ///< empty: the first strategy
  std::string metric = kValidationMetric;  ///< of the test split, what is compared
  double target = 0.0;                     ///< validation NDCG@10 to reach; 0: none
  bool all_pairs = false;
  std::vector<std::string> attacks;   ///< under which every strategy runs as well
  std::vector<std::string> settings;  ///< "section.key=value" over the scenario
  std::map<std::string, std::vector<std::string>> settings_of;  ///< [strategy] over `settings`
  TuningPlan tuning;

  /// The settings of a strategy before tuning: its preset, then `settings`, then its own, then the
  /// attack, where the plan has some; an empty one is none.
  Result<std::vector<std::string>> SetsOf(const std::string& strategy,
                                          const std::string& attack = "") const;
};

/// The keys of a comparison file.
void BindComparePlan(ComparePlan& plan, Binder& binder);

/// Whether a file is a comparison and no scenario: it names one.
Result<bool> IsComparePlan(const std::filesystem::path& file);

/// Errors  kNotFound; kInvalidArgument with "file:line:column".
Result<ComparePlan> LoadComparePlan(const std::filesystem::path& file);

/// Whether there is something to compare.
/// Errors  kInvalidArgument that names what is wrong and how to fix it.
Status CheckPlan(const ComparePlan& plan);

/// seeds := part { "," part }, part := number | number ".." number
/// Errors  kInvalidArgument, also for a seed given twice or more than 1000 seeds.
Result<std::vector<int>> ParseSeeds(std::string_view text);

}  // namespace rondo::sim
