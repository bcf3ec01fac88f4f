#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "simulations/compare_plan.h"
#include "simulations/trial_grid.h"

/// Fair tuning: every strategy gets the same number of trials, and validation NDCG@10 alone
/// chooses.
namespace rondo::sim {

struct TunedTrial {
  Settings settings;
  std::optional<double> validation;  ///< nothing: it diverged, or no validation gave numbers
  bool diverged = false;
};

struct TunedStrategy {
  std::string name;
  std::vector<Axis> axes;
  std::vector<TunedTrial> trials;
  std::size_t chosen = 0;
  /// "client.learning_rate = 3 (high)": the best value may lie outside the grid
  std::vector<std::string> edges;
};

struct Tuning {
  enum class Kind { kUnknown, kUntuned, kTuned };  ///< unknown: runs that were only read
  Kind kind = Kind::kUnknown;
  std::vector<TunedStrategy> strategies;
};

/// How runs are started.
struct CompareRuns {
  std::filesystem::path root;  ///< of the comparison
  int jobs = 0;
  std::stop_token stop;
};

/// The grids of a plan's strategies, and the points of each to try, in the plan's order.
/// Errors  kInvalidArgument for a broken axis, strategies with unequal numbers of trials, or grids
/// smaller than tuning.trials.
Result<std::vector<TunedStrategy>> PlanTuning(const ComparePlan& plan);

/// Runs the trials below root/tuning and chooses.
/// Errors  also those of RunTrials; kFailedPrecondition if a strategy diverged in all its trials.
Result<Tuning> Tune(const ComparePlan& plan, const CompareRuns& runs);

}  // namespace rondo::sim
