#pragma once

#include <vector>

#include <torch/types.h>

#include "common/core/result.h"
#include "common/model/fused_step.h"
#include "common/model/fusion.h"
#include "common/model/losses.h"
#include "common/model/packs.h"
#include "common/model/tensor_run.h"

namespace rondo {

/// What the steps of a pack have in common. Outlives them.
struct StepModel {
  const ModelConfig* config = nullptr;
  const ParameterLayout* layout = nullptr;
  const LossKind* loss = nullptr;
  SampledShape shape;
  double dropout = 0.0;
  at::ScalarType products = at::kFloat;  ///< as EncoderInput::products
  TableFeatures features;  ///< of the groups' item tables; read if the model has features
};

/// Losses and gradients of single steps, by the fused step where the model has one and products are
/// float32, else by
/// LibTorch's own differentiation.
class StepGradients {
 public:
  /// `weights` [G, ...] in layout order are looked at anew by every step.
  /// Errors  those of BindWeights.
  static Result<StepGradients> Make(StepModel model, std::vector<at::Tensor> weights);

  /// Losses [G, P] of a step, 0 in unused slots, where the weights lie. Its gradients are valid
  /// until the next, and may be overwritten.
  at::Tensor Take(const StepBatch& batch);

  TensorRun& gradients() { return gradients_; }  ///< [G, ...] in layout order

 private:
  StepGradients() = default;

  at::Tensor TakeFused(const StepBatch& batch);
  at::Tensor TakePlain(const StepBatch& batch);
  LossOutput LossOf(const StepBatch& batch,
                    const EncoderWeights& weights,
                    const EncoderInput& in,
                    const at::Tensor& coefficient) const;

  StepModel model_;
  std::vector<at::Tensor> weights_;
  EncoderWeights bound_;
  bool fused_ = false;
  TensorRun gradients_;
  EncoderWeights bound_gradients_;  // views of gradients_; only used by the fused step
  StepRooms rooms_;
};

}  // namespace rondo
