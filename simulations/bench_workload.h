#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/config/scenario.h"
#include "common/federated/task.h"
#include "common/model/trainer.h"

namespace rondo::sim {

/// A fixed training workload.
///
/// w1, w1c and w2 are read from files, so that other programs can be timed on the same numbers:
///        data_{seq,pos,neg}_i32_1000x50.bin: [1000, 50] int32, left-padded with 0;
///        cohorts_i32_6x100.bin: [6, 100] int32 user indices; init_weights_f32.bin: all weights in
///        layout order.
struct BenchWorkload {
  std::string name;
  std::vector<std::vector<ItemRow>> sequences;  ///< one a user: inputs and the last target
  std::vector<std::vector<ItemRow>> negatives;  ///< one a user: a negative a target
  /// The clients of a round; their spans are valid until the next call.
  std::function<std::vector<ClientData>(std::size_t round)> cohort;
  /// All users in batches of 100, for the closing loss; empty: none is given.
  std::vector<ClientData> loss_batches;
  std::uint64_t units_per_round = 0;  ///< sequences (w2) or client updates (all others)
  ModelConfig model;
  StrategyConfig strategy;
  std::int64_t items = 0;
  ParameterVector initial;
  TrainTask task;
};

/// w1, w1c, w2.
/// Errors  kInvalidArgument for an unknown name; kNotFound; kCorrupt for a file of the wrong size.
Result<BenchWorkload> LoadBenchWorkload(const std::string& name,
                                        const std::filesystem::path& folder);

/// w3: 100,000 users, 50,000 items, width 64, sampled softmax with 256 negatives, one local step.
/// Users are made when a round asks for them. Errors  kInvalidArgument for the cohort.
Result<BenchWorkload> MakeStreamedWorkload(std::size_t cohort);

/// What w4 trains: the recipe of scenarios/ml-1m.toml on the ml-1m.inter in `folder`: one user =
/// one client, history 200, full softmax, one local step.
Scenario MovieLensScenario(const std::filesystem::path& folder);

/// w4. Errors  those of LoadData; kInvalidArgument for the cohort.
Result<BenchWorkload> MakeMovieLensWorkload(const std::filesystem::path& folder,
                                            std::size_t cohort);

}  // namespace rondo::sim
