#pragma once

#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include <torch/types.h>

#include "common/data/item_features.h"
#include "common/federated/task.h"
#include "common/model/loss_book.h"
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
  const LossKind* loss = nullptr;
  at::ScalarType products = at::kFloat;  ///< as EncoderInput::products
  std::vector<at::Tensor>
      base;  ///< weights before the round, [1, ...] in layout order, on the device
  std::span<const ClientData> clients;  ///< of the plans; none where nobody brings own vectors
};

/// What a pack's training did.
struct PackResult {
  /// Contiguous floats in layout order, [G, ...]; of the item table [G, table_rows, width]. They
  /// lie where the pack was trained.
  std::vector<at::Tensor> delta;
  LossBook book;
};

/// Is shown what a pack with weights a client did in its first `steps` steps, as PackResult::delta;
/// false ends its training.
struct StepWatch {
  std::int64_t every = 0;  ///< steps; 0: nobody watches
  std::function<bool(std::int64_t steps, const std::vector<at::Tensor>& delta)> show;
};

/// Trains the clients of a pack from `context.base`, with the vectors that they bring. With shared
/// weights the delta is the weighted sum over the clients; else it is each client's own, unweighted
/// and unclipped. Errors kCancelled.
Result<PackResult> TrainPack(const RoundContext& context,
                             Pack& pack,
                             const std::stop_token& stop,
                             const StepWatch& watch = {});

/// The catalogue rows of all groups' item tables, padded with row 0: int64 [G * table_rows] on
/// `device`; undefined where they are the whole table.
at::Tensor CatalogueRows(const Pack& pack, const at::Device& device);

/// The flat weights as tensors [1, ...] in layout order on `device`. On a CPU they are views of
/// `parameters`, and not to be written to.
std::vector<at::Tensor> ToTensors(const ParameterVector& parameters, const at::Device& device);

}  // namespace rondo
