#include "common/model/trainer.h"

#include <algorithm>
#include <thread>

#include <torch/torch.h>

#include "common/core/workers.h"
#include "common/model/cohort_round.h"
#include "common/model/device.h"
#include "common/model/own_vectors.h"

namespace rondo {
namespace {

std::int64_t FeatureValues(const CohortTrainer::Options& options) {
  return options.features == nullptr ? 0 : options.features->values();
}

/// The weights that the client's training starts from, if the lengths agree.
ParameterVector StartOf(const ParameterVector& model, const ClientData& client) {
  ParameterVector start = model;
  if (model.layout == nullptr || client.personal.size() != model.values.size()) {
    return start;
  }
  for (const ParameterEntry& entry : model.layout->entries()) {
    if (entry.group == ParameterGroup::kPersonal) {
      const auto own = client.personal.subspan(entry.offset, entry.size);
      std::copy(own.begin(), own.end(), start.Tensor(entry.name).begin());
    }
  }
  return start;
}

class TorchCohortTrainer : public CohortTrainer {
 public:
  TorchCohortTrainer(Options options,
                     std::shared_ptr<const ParameterLayout> layout,
                     at::Device device,
                     int threads)
      : options_(std::move(options)),
        layout_(std::move(layout)),
        device_(device),
        workers_(threads) {}

  Result<CohortOutcome> Train(const Broadcast& broadcast,
                              std::span<const ClientData> clients,
                              const TrainTask& task,
                              UpdateVisibility visibility,
                              std::stop_token stop) override {
    return TrainWatched(broadcast, clients, task, visibility, std::move(stop), {});
  }

  Status Fit(const Broadcast& broadcast,
             const ClientData& client,
             const TrainTask& task,
             int every,
             const EpochWatch& watch,
             std::stop_token stop) override {
    const ParameterVector start = StartOf(broadcast.model, client);
    ParameterVector model = start;
    const auto show = [&](int epochs, const std::vector<float>& delta) {
      for (std::size_t i = 0; i < delta.size(); ++i) {
        model.values[i] = start.values[i] + delta[i];
      }
      return watch(epochs, model);
    };
    RONDO_TRY(const CohortOutcome outcome,
              TrainWatched(broadcast,
                           {&client, 1},
                           task,
                           UpdateVisibility::kIndividual,
                           std::move(stop),
                           {.every = every, .show = show}));
    if (!outcome.failed.empty()) {
      return Fail(outcome.failed.front().second);
    }
    return Ok();
  }

 private:
  Result<CohortOutcome> TrainWatched(const Broadcast& broadcast,
                                     std::span<const ClientData> clients,
                                     const TrainTask& task,
                                     UpdateVisibility visibility,
                                     std::stop_token stop,
                                     const DeltaWatch& watch) {
    if (broadcast.model.layout == nullptr
        || broadcast.model.layout->digest() != layout_->digest()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the layout of the received model is not that of the configured one");
    }
    RONDO_TRY_STATUS(CheckOwnVectors(clients, task, *layout_, visibility));
    RoundContext context{.model = &options_.model,
                         .layout = layout_.get(),
                         .task = &task,
                         .items = options_.items,
                         .clients = clients};
    if (!options_.model.features.empty()) {
      context.features = options_.features.get();
    }
    RONDO_TRY(context.loss, FindLoss(task.client.loss));
    context.products = options_.engine.precision == "bfloat16" ? at::kBFloat16 : at::kFloat;
    if (task.client.optimizer != "sgd" && task.client.optimizer != "adam") {
      return Fail(ErrorCode::kInvalidArgument,
                  "client.optimizer '" + task.client.optimizer + "' is unknown: use sgd or adam");
    }
    std::vector<ClientPlan> plans;
    std::vector<std::pair<ClientId, Error>> failed;
    for (std::size_t i = 0; i < clients.size(); ++i) {
      Result<ClientPlan> plan = PlanClient(clients[i], i, options_.model, task, options_.items);
      if (plan.has_value()) {
        plans.push_back(std::move(plan).value());
      } else {
        failed.emplace_back(clients[i].id, plan.error());
      }
    }
    try {
      context.base = ToTensors(broadcast.model, device_);
    } catch (const std::exception& e) {
      return Fail(ErrorCode::kInternal,
                  "LibTorch could not hold the model: " + std::string(e.what()));
    }
    const PackLimits limits{.model = &options_.model,
                            .items = options_.items,
                            .memory_mib = options_.engine.memory_mib,
                            .shared = SharesWeights(plans, task, visibility),
                            .compact = UsesCompactTable(task),
                            .adam = task.client.optimizer == "adam",
                            .corrected = CorrectsGradients(task),
                            .feature_values = FeatureValues(options_),
                            .candidates = options_.model.encoder == "target_attention"
                                              ? 1 + NegativesOf(task.client)
                                              : 0,
                            .cached = device_.is_cpu()};
    RONDO_TRY(CohortOutcome outcome,
              TrainRound({.context = context,
                          .plans = plans,
                          .visibility = visibility,
                          .limits = limits,
                          .stop = std::move(stop),
                          .watch = watch,
                          .ranks = options_.ranks,
                          .fold_on_device = device_.is_cuda() || options_.as_gpu},
                         layout_,
                         clients.size(),
                         workers_));
    outcome.failed.insert(outcome.failed.end(), failed.begin(), failed.end());
    std::sort(outcome.failed.begin(), outcome.failed.end(), [](const auto& a, const auto& b) {
      return a.first < b.first;
    });
    return outcome;
  }

  Options options_;
  std::shared_ptr<const ParameterLayout> layout_;
  at::Device device_;
  Workers workers_;
};

}  // namespace

Result<std::shared_ptr<const ParameterLayout>> LayoutOf(const CohortTrainer::Options& options) {
  return ModelLayout(options.model, options.items, FeatureValues(options));
}

Result<std::unique_ptr<CohortTrainer>> CohortTrainer::Create(const Options& options) {
  RONDO_TRY(std::shared_ptr<const ParameterLayout> layout, LayoutOf(options));
  RONDO_TRY(const at::Device device, FindDevice(options.engine.device));
  // One stream of kernels fills a GPU; threads would only queue behind each other.
  const int cores = UsableCores();
  const int threads = device.is_cuda()             ? 1
                      : options.engine.threads > 0 ? options.engine.threads
                                                   : cores;
  return std::unique_ptr<CohortTrainer>(
      std::make_unique<TorchCohortTrainer>(options, std::move(layout), device, threads));
}

}  // namespace rondo
