#pragma once

#include <functional>
#include <stop_token>
#include <vector>

#include <torch/types.h>

#include "common/data/item_features.h"
#include "common/federated/task.h"
#include "common/model/losses.h"
#include "common/model/packs.h"

namespace rondo {

/// What all packs of a round share. Outlives them.
struct RoundContext {
  const ModelConfig* model = nullptr;
  const ParameterLayout* layout = nullptr;
  const TrainTask* task = nullptr;
  std::int64_t items = 0;
  const ItemFeatures* features = nullptr;  ///< null without features
  Loss loss = nullptr;
  std::vector<at::Tensor>
      base;  ///< weights before the round, [1, ...] in layout order, on the device
};

/// What a pack's training did. Tensors are contiguous floats on the CPU.
struct PackResult {
  std::vector<at::Tensor>
      delta;                   ///< layout order, [G, ...]; of the item table [G, table_rows, width]
  std::vector<double> loss;    ///< of each plan, mean over positions of its last epoch or step
  std::vector<bool> diverged;  ///< plans that met NaN or infinity in their loss
};

/// Is shown what a pack with weights a client did in its first `steps` steps; false ends its
/// training.
struct StepWatch {
  std::int64_t every = 0;  ///< steps; 0: nobody watches
  std::function<bool(std::int64_t steps, const PackResult& so_far)> show;
};

/// Trains the clients of a pack from `context.base`. With shared weights the delta is the weighted
/// sum over the clients; else it is each client's own, unweighted and unclipped. Errors kCancelled.
Result<PackResult> TrainPack(const RoundContext& context,
                             Pack& pack,
                             const std::stop_token& stop,
                             const StepWatch& watch = {});

/// The flat weights as tensors [1, ...] in layout order on `device`.
std::vector<at::Tensor> ToTensors(const ParameterVector& parameters, const at::Device& device);

}  // namespace rondo
