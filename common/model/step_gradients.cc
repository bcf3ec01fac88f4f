#include "common/model/step_gradients.h"

#include <torch/torch.h>

#include "common/model/device.h"

namespace rondo {
Result<StepGradients> StepGradients::Make(StepModel model, std::vector<at::Tensor> weights) {
  StepGradients steps;
  steps.model_ = std::move(model);
  steps.weights_ = std::move(weights);
  RONDO_TRY(steps.bound_, BindWeights(*steps.model_.config, *steps.model_.layout, steps.weights_));
  if (steps.bound_.kind->score != nullptr && steps.model_.loss->of_scores == nullptr) {
    return Fail(ErrorCode::kInvalidArgument,
                "client.loss = \"" + steps.model_.loss->name
                    + "\" takes states, but model.encoder = \"" + steps.bound_.kind->name
                    + "\" scores each candidate by itself; use a sampled loss");
  }
  steps.fused_ = steps.model_.products == at::kFloat
                 && HasFusedStep(*steps.model_.config, steps.weights_[0].device());
  // Features are fused, and their gradient taken, by LibTorch either way.
  const bool differentiates = !steps.fused_ || steps.bound_.fusion_kind != nullptr;
  for (at::Tensor& weight : steps.weights_) {
    weight.requires_grad_(differentiates);
  }
  steps.gradients_ = EmptyRun(steps.weights_);
  RONDO_TRY(steps.bound_gradients_,
            BindWeights(*steps.model_.config, *steps.model_.layout, steps.gradients_.parts));
  return steps;
}

at::Tensor StepGradients::Take(const StepBatch& batch) {
  return fused_ ? TakeFused(batch) : TakePlain(batch);
}

at::Tensor StepGradients::TakeFused(const StepBatch& batch) {
  gradients_.flat.zero_();
  EncoderWeights weights = bound_;
  EncoderWeights gradients = bound_gradients_;
  if (bound_.fusion_kind != nullptr) {
    FuseFeatures(model_.features, weights);
    gradients.item = at::zeros_like(weights.item, at::MemoryFormat::Contiguous);
  }
  const at::Tensor losses = FusedStep(*model_.config,
                                      weights,
                                      gradients,
                                      batch,
                                      *model_.loss,
                                      model_.shape,
                                      model_.dropout,
                                      rooms_);
  if (bound_.fusion_kind != nullptr) {
    const auto through =
        torch::autograd::grad({weights.item}, weights_, {gradients.item}, false, false, true);
    for (std::size_t i = 0; i < through.size(); ++i) {
      if (through[i].defined()) {
        gradients_.parts[i].add_(through[i]);
      }
    }
  }
  return losses;
}

at::Tensor StepGradients::TakePlain(const StepBatch& batch) {
  const at::Device device = weights_[0].device();
  EncoderWeights weights = bound_;
  if (bound_.fusion_kind != nullptr) {
    FuseFeatures(model_.features, weights);
  }
  const EncoderInput in{
      .input = FromHost(batch.input, {batch.groups, batch.sequences, batch.length}, device),
      .dropout = model_.dropout,
      .dropout_key = batch.dropout_key,
      .products = model_.products};
  const at::Tensor coefficient = FromHost(batch.coefficient, {batch.groups, batch.slots}, device);
  const LossOutput out = LossOf(batch, weights, in, coefficient);
  const auto gradients = torch::autograd::grad({out.objective}, weights_, {}, false, false, true);
  const at::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    if (gradients[i].defined()) {
      gradients_.parts[i].copy_(gradients[i]);
    } else {
      gradients_.parts[i].zero_();
    }
  }
  return out.each.masked_fill(coefficient == 0.0, 0.0);
}

LossOutput StepGradients::LossOf(const StepBatch& batch,
                                 const EncoderWeights& weights,
                                 const EncoderInput& in,
                                 const at::Tensor& coefficient) const {
  const at::Device device = coefficient.device();
  const std::int64_t groups = batch.groups;
  const at::Tensor place = FromHost(batch.place, {groups * batch.slots}, device);
  const at::Tensor target = FromHost(batch.target, {groups, batch.slots}, device);
  const at::Tensor negatives =
      FromHost(batch.negatives, {groups, batch.slots, batch.negatives_a_slot}, device);
  if (weights.kind->score != nullptr) {
    const at::Tensor scores = weights.kind->score(*model_.config,
                                                  weights,
                                                  in,
                                                  place.view({groups, batch.slots}),
                                                  torch::cat({target.unsqueeze(2), negatives}, 2));
    const at::Tensor losses = model_.loss->of_scores(scores, model_.shape);
    return {.each = losses.detach(), .objective = (losses * coefficient).sum()};
  }
  const at::Tensor flat = EncodeAt(*model_.config, weights, in, place);
  return model_.loss->loss({.hidden = flat.view({groups, batch.slots, -1}),
                            .item = weights.item,
                            .target = target,
                            .negatives = negatives,
                            .coefficient = coefficient,
                            .shape = model_.shape,
                            .products = model_.products});
}

}  // namespace rondo
