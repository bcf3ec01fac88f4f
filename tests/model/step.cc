#include "tests/model/step.h"

#include <algorithm>

#include <torch/torch.h>

#include "common/model/encoder.h"
#include "common/model/losses.h"
#include "common/model/step_gradients.h"

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
    model.weights.push_back(tensor);
  }
  return model;
}

StepLook LookAtStep(const GroupModel& model,
                    const std::string& loss,
                    double dropout,
                    const StepBatch& batch) {
  StepGradients steps = StepGradients::Make({.config = &model.config,
                                             .layout = model.layout.get(),
                                             .loss = FindLoss(loss).value(),
                                             .shape = {.items = model.items, .calibration = 0.75},
                                             .dropout = dropout,
                                             .features = {}},
                                            model.weights)
                            .value();
  const at::Tensor losses = steps.Take(batch);
  const at::NoGradGuard no_gradient;
  const at::Tensor rows =
      EncodeAt(model.config,
               BindWeights(model.config, *model.layout, model.weights).value(),
               {.input = Longs(batch.input, {batch.groups, batch.sequences, batch.length}),
                .dropout = dropout,
                .dropout_key = batch.dropout_key},
               Longs(batch.place, {-1}));
  StepLook look{.hidden = rows.view({batch.groups, batch.slots, model.config.width})};
  const at::Tensor objective =
      (losses * torch::tensor(batch.coefficient).view(losses.sizes())).sum(1);
  for (std::int64_t group = 0; group < batch.groups; ++group) {
    look.loss.push_back(objective[group].item<double>());
    look.gradient.push_back(Flat(steps.gradients().parts, group));
  }
  return look;
}

}  // namespace rondo::testing
