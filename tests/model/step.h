#pragma once

#include <string>
#include <vector>

#include <torch/types.h>

#include "common/config/scenario.h"
#include "common/federated/parameters.h"
#include "common/model/packs.h"

namespace rondo::testing {

/// A model whose groups each have weights of their own.
struct GroupModel {
  ModelConfig config;
  std::int64_t items = 0;
  std::shared_ptr<const ParameterLayout> layout;
  std::vector<at::Tensor> weights;  ///< [G, ...] in layout order
};

/// One group a flat vector of weights.
GroupModel MakeGroupModel(const ModelConfig& config,
                          std::int64_t items,
                          const std::vector<std::vector<float>>& weights);

/// What one step looks like from inside: tensors of the positions that count, and the gradient.
struct StepLook {
  at::Tensor hidden;                         ///< [G, P, width]
  std::vector<double> loss;                  ///< objective of each group
  std::vector<std::vector<float>> gradient;  ///< of each group, flat in layout order
};

/// A step of a pack whose groups use the whole item table.
StepLook LookAtStep(const GroupModel& model,
                    const std::string& loss,
                    double dropout,
                    const StepBatch& batch);

}  // namespace rondo::testing
