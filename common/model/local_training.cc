#include "common/model/local_training.h"

#include <algorithm>

#include <torch/torch.h>

#include "common/model/device.h"
#include "common/model/fusion.h"
#include "common/model/local_optimizer.h"
#include "common/model/own_vectors.h"
#include "common/model/step_gradients.h"

namespace rondo {
namespace {

/// The item tables of the groups: the whole table, or each group's slice padded with row 0.
at::Tensor StartTable(const RoundContext& context, const Pack& pack, const at::Tensor& table) {
  const at::Tensor rows = CatalogueRows(pack, table.device());
  if (!rows.defined()) {
    return table.expand({pack.groups(), table.size(1), table.size(2)});
  }
  return table[0].index_select(0, rows).view(
      {pack.groups(), pack.table_rows(), context.model->width});
}

/// The features of the pack's item tables; empty without features.
TableFeatures FeaturesOf(const RoundContext& context, const Pack& pack) {
  if (context.features == nullptr) {
    return {};
  }
  std::vector<std::span<const ItemRow>> tables;
  for (std::int64_t group = 0; group < pack.groups(); ++group) {
    tables.push_back(pack.table(group));
  }
  return FeaturesOfTables(*context.features, tables, pack.table_rows(), context.base[0].device());
}

/// The change of all weights since the start, in a run of its own.
std::vector<at::Tensor> Change(const TensorRun& weights, const std::vector<at::Tensor>& start) {
  TensorRun change = EmptyRun(weights.parts);
  for (std::size_t i = 0; i < start.size(); ++i) {
    at::sub_out(change.parts[i], weights.parts[i], start[i]);
  }
  return change.parts;
}

Result<StepGradients> MakeSteps(const RoundContext& context,
                                const Pack& pack,
                                std::vector<at::Tensor> weights) {
  return StepGradients::Make(
      {.config = context.model,
       .layout = context.layout,
       .loss = context.loss,
       .shape = {.items = context.items, .calibration = context.task->client.calibration},
       .dropout = context.task->dropout,
       .products = context.products,
       .features = FeaturesOf(context, pack)},
      std::move(weights));
}

/// The one step of clients who share the weights of the round, which are only read.
Status TakeSharedStep(const RoundContext& context,
                      Pack& pack,
                      const std::vector<at::Tensor>& weights,
                      PackResult& result) {
  std::vector<at::Tensor> detached;
  for (const at::Tensor& weight : weights) {
    detached.push_back(weight.detach());  // whether it is differentiated is the pack's own affair
  }
  RONDO_TRY(StepGradients steps, MakeSteps(context, pack, std::move(detached)));
  const StepBatch batch = pack.Batch(0);
  result.book.Add(batch, steps.Take(batch), 0);
  const at::NoGradGuard no_gradient;
  Freeze(FrozenOf(*context.layout), steps.gradients().parts);
  steps.gradients().flat.mul_(-context.task->client.learning_rate);
  result.delta = steps.gradients().parts;
  return Ok();
}

/// All steps of clients with weights of their own.
Status TakeSteps(const RoundContext& context,
                 Pack& pack,
                 const std::stop_token& stop,
                 const StepWatch& watch,
                 const std::vector<at::Tensor>& start,
                 PackResult& result) {
  TensorRun weights = EmptyRun(start);
  for (std::size_t i = 0; i < start.size(); ++i) {
    weights.parts[i].copy_(start[i]);
  }
  RONDO_TRY(StepGradients steps, MakeSteps(context, pack, weights.parts));
  LocalOptimizer optimizer(
      *context.task, weights, CorrectionOf(context, pack), FrozenOf(*context.layout));
  for (std::int64_t step = 0; step < pack.steps(); ++step) {
    if (stop.stop_requested()) {
      return Fail(ErrorCode::kCancelled, "training was stopped before its last step");
    }
    const StepBatch batch = pack.Batch(step);
    result.book.Add(batch, steps.Take(batch), step);
    const at::NoGradGuard no_gradient;
    const bool all =
        std::find(batch.active.begin(), batch.active.end(), 0.0F) == batch.active.end();
    optimizer.Step(
        steps.gradients(),
        all ? at::Tensor() : FromHost(batch.active, {batch.groups}, weights.flat.device()));
    if (weights.flat.is_cpu() && result.book.AllDiverged()) {
      break;
    }
    const bool due = watch.every > 0 && (step + 1) % watch.every == 0;
    if (due && !watch.show(step + 1, Change(weights, start))) {
      break;
    }
  }
  const at::NoGradGuard no_gradient;
  result.delta = Change(weights, start);
  return Ok();
}

}  // namespace

at::Tensor CatalogueRows(const Pack& pack, const at::Device& device) {
  if (pack.table(0).empty()) {
    return {};
  }
  std::vector<std::int64_t> rows(static_cast<std::size_t>(pack.groups() * pack.table_rows()), 0);
  for (std::int64_t group = 0; group < pack.groups(); ++group) {
    const std::span<const ItemRow> own = pack.table(group);
    std::copy(own.begin(), own.end(), rows.begin() + group * pack.table_rows());
  }
  return FromHost(rows, {pack.groups() * pack.table_rows()}, device);
}

std::vector<at::Tensor> ToTensors(const ParameterVector& parameters, const at::Device& device) {
  std::vector<at::Tensor> tensors;
  for (const ParameterEntry& entry : parameters.layout->entries()) {
    std::vector<std::int64_t> shape = {1};
    shape.insert(shape.end(), entry.shape.begin(), entry.shape.end());
    auto* const values = const_cast<float*>(parameters.values.data()) + entry.offset;
    tensors.push_back(at::from_blob(values, shape, at::kFloat).to(device));
  }
  return tensors;
}

Result<PackResult> TrainPack(const RoundContext& context,
                             Pack& pack,
                             const std::stop_token& stop,
                             const StepWatch& watch) {
  if (stop.stop_requested()) {
    return Fail(ErrorCode::kCancelled, "training was stopped before it began");
  }
  std::vector<at::Tensor> start;
  for (std::size_t i = 0; i < context.base.size(); ++i) {
    const at::Tensor& base = context.base[i];
    std::vector<std::int64_t> shape = base.sizes().vec();
    shape[0] = pack.groups();
    start.push_back(context.layout->entries()[i].name == "item.weight"
                        ? StartTable(context, pack, base)
                        : base.expand(shape));
  }
  TakePersonalStart(context, pack, start);
  PackResult result{.delta = {}, .book = LossBook(pack, context.task->client)};
  RONDO_TRY_STATUS(pack.shared() ? TakeSharedStep(context, pack, start, result)
                                 : TakeSteps(context, pack, stop, watch, start, result));
  return result;
}

}  // namespace rondo
