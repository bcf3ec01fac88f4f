#include "common/model/step_gradients.h"

#include <torch/torch.h>

#include "common/model/device.h"

namespace rondo {
Result<StepGradients> StepGradients::Make(StepModel model, std::vector<at::Tensor> weights) {
  StepGradients steps;
  steps.model_ = std::move(model);
  steps.weights_ = std::move(weights);
  RONDO_TRY(steps.bound_, BindWeights(*steps.model_.config, *steps.model_.layout, steps.weights_));
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
                                      model_.items,
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
  const at::Tensor place = FromHost(batch.place, {batch.groups * batch.slots}, device);
  const at::Tensor flat = EncodeAt(*model_.config, weights, in, place);
  const at::Tensor coefficient = FromHost(batch.coefficient, {batch.groups, batch.slots}, device);
  const LossOutput out = model_.loss->loss(
      {.hidden = flat.view({batch.groups, batch.slots, -1}),
       .item = weights.item,
       .target = FromHost(batch.target, {batch.groups, batch.slots}, device),
       .negatives =
           FromHost(batch.negatives, {batch.groups, batch.slots, batch.negatives_a_slot}, device),
       .coefficient = coefficient,
       .items = model_.items,
       .products = model_.products});
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

}  // namespace rondo
