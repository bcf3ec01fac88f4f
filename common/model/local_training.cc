#include "common/model/local_training.h"

#include <algorithm>
#include <cmath>

#include <torch/torch.h>

#include "common/model/encoder.h"
#include "common/model/fusion.h"

namespace rondo {
namespace {

at::Tensor FromHost(const std::vector<std::int64_t>& values,
                    std::vector<std::int64_t> shape,
                    const at::Device& device) {
  at::Tensor tensor = at::empty(shape, at::kLong);
  std::copy(values.begin(), values.end(), tensor.data_ptr<std::int64_t>());
  return tensor.to(device);
}

at::Tensor FromHost(const std::vector<float>& values,
                    std::vector<std::int64_t> shape,
                    const at::Device& device) {
  at::Tensor tensor = at::empty(shape, at::kFloat);
  std::copy(values.begin(), values.end(), tensor.data_ptr<float>());
  return tensor.to(device);
}

/// The local optimiser of all groups of a pack: SGD or Adam on [G, ...] tensors.
class LocalOptimizer {
 public:
  LocalOptimizer(const TrainTask& task, std::vector<at::Tensor> start)
      : client_(task.client),
        mu_(task.proximal_mu),
        start_(std::move(start)) {}

  /// `active` [G] is 1 for groups that take this step, and undefined if all do.
  void Step(std::vector<at::Tensor>& weights,
            std::vector<at::Tensor> gradients,
            const at::Tensor& active) {
    ++steps_;
    // At the first step weights equal start, so the proximal gradient is zero.
    if (mu_ > 0.0 && steps_ > 1) {
      for (std::size_t i = 0; i < weights.size(); ++i) {
        gradients[i] = gradients[i] + (weights[i] - start_[i]) * mu_;
      }
    }
    if (client_.gradient_clip > 0.0) {
      Clip(gradients);
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      at::Tensor gradient = gradients[i];
      if (client_.weight_decay > 0.0) {
        gradient = gradient + weights[i] * client_.weight_decay;
      }
      const at::Tensor move = client_.optimizer == "adam" ? AdamMove(i, gradient) : gradient;
      weights[i].add_(active.defined() ? move * Spread(active, move) : move,
                      -client_.learning_rate);
    }
  }

 private:
  static at::Tensor Spread(const at::Tensor& per_group, const at::Tensor& like) {
    std::vector<std::int64_t> shape(static_cast<std::size_t>(like.dim()), 1);
    shape[0] = -1;
    return per_group.view(shape);
  }

  void Clip(std::vector<at::Tensor>& gradients) const {
    at::Tensor squares = at::zeros({gradients[0].size(0)}, gradients[0].options());
    for (const at::Tensor& gradient : gradients) {
      squares += gradient.reshape({gradient.size(0), -1}).square().sum(1);
    }
    const at::Tensor factor = (client_.gradient_clip / (squares.sqrt() + 1e-6)).clamp_max(1.0);
    for (at::Tensor& gradient : gradients) {
      gradient = gradient * Spread(factor, gradient);
    }
  }

  /// Source  Kingma and Ba 2015, algorithm 1, with torch.optim.Adam's defaults.
  at::Tensor AdamMove(std::size_t i, const at::Tensor& gradient) {
    constexpr double kBeta1 = 0.9;
    constexpr double kBeta2 = 0.999;
    if (first_.size() <= i) {
      first_.push_back(at::zeros_like(gradient));
      second_.push_back(at::zeros_like(gradient));
    }
    first_[i].mul_(kBeta1).add_(gradient, 1.0 - kBeta1);
    second_[i].mul_(kBeta2).addcmul_(gradient, gradient, 1.0 - kBeta2);
    const double correct1 = 1.0 - std::pow(kBeta1, steps_);
    const double correct2 = 1.0 - std::pow(kBeta2, steps_);
    return first_[i] / ((second_[i].sqrt() / std::sqrt(correct2)) + 1e-8) / correct1;
  }

  const ClientConfig& client_;
  double mu_;
  std::vector<at::Tensor> start_;  // only read by the proximal term
  int steps_ = 0;
  std::vector<at::Tensor> first_;
  std::vector<at::Tensor> second_;
};

/// The item tables of the groups: the whole table, or each group's slice padded with row 0.
at::Tensor StartTable(const RoundContext& context, const Pack& pack, const at::Tensor& table) {
  if (pack.table(0).empty()) {
    return table.expand({pack.groups(), table.size(1), table.size(2)});
  }
  std::vector<std::int64_t> rows(static_cast<std::size_t>(pack.groups() * pack.table_rows()), 0);
  for (std::int64_t group = 0; group < pack.groups(); ++group) {
    const std::span<const ItemRow> own = pack.table(group);
    std::copy(own.begin(), own.end(), rows.begin() + group * pack.table_rows());
  }
  const at::Tensor index = FromHost(rows, {pack.groups() * pack.table_rows()}, table.device());
  return table[0].index_select(0, index).view(
      {pack.groups(), pack.table_rows(), context.model->width});
}

/// Losses of the plans of a pack over the steps that count for the report.
class LossBook {
 public:
  explicit LossBook(const Pack& pack) : sums_(pack.plans().size()), counts_(pack.plans().size()) {}

  /// Books one step's losses [G, P]; returns whether some plan met NaN or infinity.
  void Add(const StepBatch& batch,
           const at::Tensor& losses,
           const std::vector<bool>& counts_now,
           std::vector<bool>& diverged) {
    const at::Tensor host = losses.detach().to(at::kCPU).contiguous();
    const float* loss = host.data_ptr<float>();
    for (std::size_t slot = 0; slot < batch.owner.size(); ++slot) {
      if (batch.owner[slot] < 0) {
        continue;
      }
      const auto plan = static_cast<std::size_t>(batch.owner[slot]);
      if (!std::isfinite(loss[slot])) {
        diverged[plan] = true;
      } else if (counts_now[plan]) {
        sums_[plan] += static_cast<double>(loss[slot]);
        counts_[plan] += 1.0;
      }
    }
  }

  double Mean(std::size_t plan) const {
    return counts_[plan] > 0.0 ? sums_[plan] / counts_[plan] : 0.0;
  }

 private:
  std::vector<double> sums_;
  std::vector<double> counts_;
};

/// Whether a plan's `step` belongs to its last epoch, or is its last where steps were asked for.
bool Counts(const ClientPlan& plan, const ClientConfig& client, std::int64_t step) {
  const std::int64_t last = client.steps > 0 ? 1 : StepsAnEpoch(plan, client);
  return step + last >= static_cast<std::int64_t>(plan.steps.size());
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

Result<LossOutput> StepLoss(const RoundContext& context,
                            const TableFeatures& features,
                            const std::vector<at::Tensor>& weights,
                            const StepBatch& batch) {
  const at::Device device = weights[0].device();
  RONDO_TRY(EncoderWeights bound, BindWeights(*context.model, *context.layout, weights));
  if (context.features != nullptr) {
    FuseFeatures(features, bound);
  }
  const EncoderInput in{
      .input = FromHost(batch.input, {batch.groups, batch.sequences, batch.length}, device),
      .dropout = context.task->dropout,
      .dropout_key = batch.dropout_key};
  const at::Tensor place = FromHost(batch.place, {batch.groups * batch.slots}, device);
  const at::Tensor flat = EncodeAt(*context.model, bound, in, place);
  return context.loss(
      {.hidden = flat.view({batch.groups, batch.slots, -1}),
       .item = bound.item,
       .target = FromHost(batch.target, {batch.groups, batch.slots}, device),
       .negatives =
           FromHost(batch.negatives, {batch.groups, batch.slots, batch.negatives_a_slot}, device),
       .coefficient = FromHost(batch.coefficient, {batch.groups, batch.slots}, device),
       .items = context.items});
}

Result<std::vector<at::Tensor>> StepGradients(const RoundContext& context,
                                              const TableFeatures& features,
                                              const std::vector<at::Tensor>& weights,
                                              const StepBatch& batch,
                                              at::Tensor& losses) {
  RONDO_TRY(const LossOutput loss, StepLoss(context, features, weights, batch));
  losses = loss.each;
  std::vector<at::Tensor> gradients =
      torch::autograd::grad({loss.objective}, weights, {}, false, false, true);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    if (!gradients[i].defined()) {
      gradients[i] = at::zeros_like(weights[i]);
    }
  }
  return gradients;
}

/// The change of all weights until now.
PackResult SoFar(const std::vector<at::Tensor>& weights, const std::vector<at::Tensor>& start) {
  PackResult result;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    result.delta.push_back(weights[i].detach().sub(start[i]).to(at::kCPU).contiguous());
  }
  return result;
}

}  // namespace

std::vector<at::Tensor> ToTensors(const ParameterVector& parameters, const at::Device& device) {
  std::vector<at::Tensor> tensors;
  for (const ParameterEntry& entry : parameters.layout->entries()) {
    std::vector<std::int64_t> shape = {1};
    shape.insert(shape.end(), entry.shape.begin(), entry.shape.end());
    at::Tensor tensor = at::empty(shape, at::kFloat);
    const float* from = parameters.values.data() + entry.offset;
    std::copy(from, from + entry.size, tensor.data_ptr<float>());
    tensors.push_back(tensor.to(device));
  }
  return tensors;
}

Result<PackResult> TrainPack(const RoundContext& context,
                             Pack& pack,
                             const std::stop_token& stop,
                             const StepWatch& watch) {
  const TrainTask& task = *context.task;
  std::vector<at::Tensor> start;
  std::vector<at::Tensor> weights;
  for (std::size_t i = 0; i < context.base.size(); ++i) {
    const at::Tensor& base = context.base[i];
    std::vector<std::int64_t> shape = base.sizes().vec();
    shape[0] = pack.groups();
    start.push_back(context.layout->entries()[i].name == "item.weight"
                        ? StartTable(context, pack, base)
                        : base.expand(shape));
    // Shared weights are never written to; others get a copy a group.
    weights.push_back(pack.shared() ? start[i].detach()
                                    : start[i].clone(at::MemoryFormat::Contiguous));
    weights[i].requires_grad_(true);
  }
  const TableFeatures features = FeaturesOf(context, pack);
  LocalOptimizer optimizer(task, start);
  PackResult result;
  result.diverged.assign(pack.plans().size(), false);
  LossBook book(pack);
  for (std::int64_t step = 0; step < pack.steps(); ++step) {
    if (stop.stop_requested()) {
      return Fail(ErrorCode::kCancelled, "training was stopped before its last step");
    }
    const StepBatch batch = pack.Batch(step);
    at::Tensor losses;
    RONDO_TRY(std::vector<at::Tensor> gradients,
              StepGradients(context, features, weights, batch, losses));
    std::vector<bool> counts;
    for (const ClientPlan* plan : pack.plans()) {
      counts.push_back(Counts(*plan, task.client, step));
    }
    book.Add(batch, losses, counts, result.diverged);
    const at::NoGradGuard no_gradient;
    if (pack.shared()) {
      for (at::Tensor& gradient : gradients) {
        result.delta.push_back((gradient * -task.client.learning_rate).to(at::kCPU).contiguous());
      }
      break;
    }
    const bool all =
        std::find(batch.active.begin(), batch.active.end(), 0.0F) == batch.active.end();
    optimizer.Step(
        weights,
        std::move(gradients),
        all ? at::Tensor() : FromHost(batch.active, {batch.groups}, weights[0].device()));
    if (std::find(result.diverged.begin(), result.diverged.end(), false) == result.diverged.end()) {
      break;
    }
    const bool due = watch.every > 0 && (step + 1) % watch.every == 0;
    if (due && !watch.show(step + 1, SoFar(weights, start))) {
      break;
    }
  }
  const at::NoGradGuard no_gradient;
  for (std::size_t i = 0; result.delta.size() < weights.size() && !pack.shared(); ++i) {
    result.delta.push_back(weights[i].detach().sub_(start[i]).to(at::kCPU).contiguous());
  }
  for (std::size_t plan = 0; plan < pack.plans().size(); ++plan) {
    result.loss.push_back(book.Mean(plan));
  }
  return result;
}

}  // namespace rondo
