#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/config/scenario.h"
#include "common/federated/task.h"
#include "common/model/trainer.h"

namespace rondo::sim {

/// A fixed training workload, read from files so that other programs can be timed on the same
/// numbers.
///
/// Files  data_{seq,pos,neg}_i32_1000x50.bin: [1000, 50] int32, left-padded with 0;
///        cohorts_i32_6x100.bin: [6, 100] int32 user indices; init_weights_f32.bin: all weights in
///        layout order.
struct BenchWorkload {
  std::string name;                             ///< w1 | w1c | w2
  std::vector<std::vector<ItemRow>> sequences;  ///< one a user: inputs and the last target
  std::vector<std::vector<ItemRow>> negatives;  ///< one a user: a negative a target
  std::vector<std::vector<ClientData>>
      cohorts;                           ///< one a round; spans into sequences and negatives
  std::vector<ClientData> loss_batches;  ///< all users in batches of 100, for the closing loss
  std::uint64_t units_per_round = 0;     ///< client updates (w1, w1c) or sequences (w2)
  ModelConfig model;
  std::int64_t items = 0;
  ParameterVector initial;
  TrainTask task;
};

/// Errors  kInvalidArgument for an unknown name; kNotFound; kCorrupt for a file of the wrong size.
Result<BenchWorkload> LoadBenchWorkload(const std::string& name,
                                        const std::filesystem::path& folder);

}  // namespace rondo::sim
