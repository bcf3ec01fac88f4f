#include "tests/model/step.h"

#include <algorithm>

#include <torch/torch.h>

#include "common/model/encoder.h"
#include "common/model/losses.h"

namespace rondo::testing {
namespace {

at::Tensor Longs(const std::vector<std::int64_t>& values, const std::vector<std::int64_t>& shape) {
  return torch::tensor(values, at::kLong).view(shape);
}

std::vector<float> Flat(const std::vector<at::Tensor>& tensors, std::int64_t group) {
  std::vector<float> flat;
  for (const at::Tensor& tensor : tensors) {
    const at::Tensor own = tensor[group].contiguous();
    flat.insert(flat.end(), own.data_ptr<float>(), own.data_ptr<float>() + own.numel());
  }
  return flat;
}

}  // namespace

GroupModel MakeGroupModel(const ModelConfig& config,
                          std::int64_t items,
                          const std::vector<std::vector<float>>& weights) {
  GroupModel model{.config = config, .items = items, .layout = ModelLayout(config, items).value()};
  for (const ParameterEntry& entry : model.layout->entries()) {
    std::vector<std::int64_t> shape = {static_cast<std::int64_t>(weights.size())};
    shape.insert(shape.end(), entry.shape.begin(), entry.shape.end());
    at::Tensor tensor = at::empty(shape, at::kFloat);
    for (std::size_t group = 0; group < weights.size(); ++group) {
      std::copy_n(weights[group].begin() + static_cast<std::ptrdiff_t>(entry.offset),
                  entry.size,
                  tensor.data_ptr<float>() + group * entry.size);
    }
    model.weights.push_back(tensor.requires_grad_(true));
  }
  return model;
}

StepLook LookAtStep(const GroupModel& model,
                    const std::string& loss,
                    double dropout,
                    const StepBatch& batch) {
  const EncoderWeights bound = BindWeights(model.config, *model.layout, model.weights).value();
  const at::Tensor rows =
      EncodeAt(model.config,
               bound,
               {.input = Longs(batch.input, {batch.groups, batch.sequences, batch.length}),
                .dropout = dropout,
                .dropout_key = batch.dropout_key},
               Longs(batch.place, {-1}));
  const LossInput in{
      .hidden = rows.view({batch.groups, batch.slots, model.config.width}),
      .item = bound.item,
      .target = Longs(batch.target, {batch.groups, batch.slots}),
      .negatives = Longs(batch.negatives, {batch.groups, batch.slots, batch.negatives_a_slot}),
      .coefficient = torch::tensor(batch.coefficient).view({batch.groups, batch.slots}),
      .items = model.items};
  const LossOutput out = FindLoss(loss).value()(in);
  const std::vector<at::Tensor> gradients =
      torch::autograd::grad({out.objective}, model.weights, {}, false, false, true);
  std::vector<at::Tensor> defined;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    defined.push_back(gradients[i].defined() ? gradients[i] : at::zeros_like(model.weights[i]));
  }
  StepLook look{.hidden = in.hidden.detach()};
  const at::Tensor objective = (out.each * in.coefficient).sum(1);
  for (std::int64_t group = 0; group < batch.groups; ++group) {
    look.loss.push_back(objective[group].item<double>());
    look.gradient.push_back(Flat(defined, group));
  }
  return look;
}

}  // namespace rondo::testing
