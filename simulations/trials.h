#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "common/core/result.h"

/// Many runs of one scenario, as child processes of `rondo-sim run`, a few at a time.
namespace rondo::sim {

struct Trial {
  std::string name;               ///< its folder below the root; a path is allowed
  std::vector<std::string> sets;  ///< over scenario and environment
  bool test = true;               ///< false: the test split stays closed
};

struct TrialOutcome {
  bool diverged = false;             ///< its last rounds were all void, and it ended
  std::optional<double> validation;  ///< best validation NDCG@10
};

struct TrialOptions {
  std::filesystem::path scenario;
  std::filesystem::path root;
  int jobs = 0;      ///< at a time; 0: one a core, or one on a GPU
  std::string what;  ///< for progress: "run", "trial"
  std::stop_token stop;
};

/// Runs what is not finished yet and returns an outcome for each trial. Each run lies in
/// root/<name>; a run that was cut off goes on, a finished one is only looked at, so that calling
/// again after a kill gives the same outcomes. Progress is one line on stderr.
///
/// Errors  kInvalidArgument for settings that are no scenario, or a folder that holds a run with
/// other settings; kFailedPrecondition if a run fails for another reason than divergence, with the
/// last line of its log; kCancelled; kIo.
Result<std::vector<TrialOutcome>> RunTrials(const TrialOptions& options,
                                            std::span<const Trial> trials);

/// A folder name for settings, equal for equal settings: "client.learning_rate=0.3,...", or the
/// beginning of that and a hash where it would be too long.
std::string NameOf(const std::vector<std::string>& sets);

}  // namespace rondo::sim
