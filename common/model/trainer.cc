#include "common/model/trainer.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>
#include <thread>

#include <torch/torch.h>

#include "common/core/workers.h"
#include "common/model/device.h"
#include "common/model/fold.h"
#include "common/model/local_training.h"

namespace rondo {
namespace {

std::int64_t FeatureValues(const CohortTrainer::Options& options) {
  return options.features == nullptr ? 0 : options.features->values();
}

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Is shown the delta of one client after every `every` epochs; false ends its training.
struct DeltaWatch {
  int every = 0;  // 0: nobody watches
  std::function<bool(int epochs, const std::vector<float>& delta)> show;
};

/// One round: hands packs to threads and folds what they return. The fold is a sum of integers, so
/// its order, and with it the number of threads, changes nothing.
class Round {
 public:
  struct Parts {
    const RoundContext& context;
    std::span<const ClientPlan> plans;
    UpdateVisibility visibility;
    PackLimits limits;
    std::stop_token stop;
    DeltaWatch watch;  ///< of a client that trains alone
  };

  Round(const Parts& parts, std::shared_ptr<const ParameterLayout> layout, std::size_t cohort)
      : parts_(parts),
        task_(*parts.context.task),
        layout_(std::move(layout)),
        reports_(cohort),
        deltas_(cohort) {
    GridSpec grid = task_.grid;
    if (parts_.limits.shared && grid.kind == GridSpec::Kind::kRing) {
      // Shared packs are summed exactly and rounded to the ring once.
      grid = GridSpec{.limit = task_.grid.limit};
    }
    block_ = MakeBlock(std::string(kDeltaBlock), layout_, grid, Scaling::kByWeight);
  }

  Status Run(Workers& workers) {
    const auto packs = MakePacks(parts_.plans, parts_.limits);
    std::atomic<std::size_t> next = 0;
    workers.Run([&] {
      at::set_num_threads(1);
      for (std::size_t i = next++; i < packs.size() && !broken_; i = next++) {
        RunGuarded(packs[i], parts_.limits.shared);
      }
    });
    if (broken_) {
      return Fail(error_);
    }
    return Ok();
  }

  Result<CohortOutcome> Take() && {
    CohortOutcome outcome;
    outcome.failed = std::move(failed_);
    const bool singles = parts_.visibility == UpdateVisibility::kIndividual;
    for (std::size_t client = 0; client < reports_.size(); ++client) {
      if (reports_[client].weight == 0) {
        continue;
      }
      outcome.sum.weight += reports_[client].weight;
      outcome.sum.contributors += 1;
      outcome.clients.push_back(std::move(reports_[client]));
      if (singles) {
        outcome.deltas.push_back(std::move(deltas_[client]));
      }
    }
    if (singles) {
      outcome.sum = UpdateSum{};
      return outcome;
    }
    if (!(block_.grid == task_.grid)) {
      RONDO_TRY_STATUS(MoveToRing(outcome.sum.contributors));
    }
    outcome.sum.saturated = saturated_;
    outcome.sum.blocks.push_back(std::move(block_));
    return outcome;
  }

 private:
  void RunGuarded(std::span<const ClientPlan* const> plans, bool shared) {
    try {
      if (Status status = RunPack(plans, shared); !status.has_value()) {
        Break(status.error());
      }
    } catch (const std::exception& e) {  // LibTorch throws; this is the border.
      Break({ErrorCode::kInternal,
             "LibTorch failed while training clients: " + std::string(e.what())});
    }
  }

  void Break(Error error) {
    const std::scoped_lock lock(mutex_);
    if (!broken_) {
      error_ = std::move(error);
      broken_ = true;
    }
  }

  Status RunPack(std::span<const ClientPlan* const> plans, bool shared) {
    const auto start = std::chrono::steady_clock::now();
    Pack pack(plans, shared, parts_.context.items, task_);
    const std::int64_t epoch = StepsAnEpoch(*plans[0], task_.client);
    const StepWatch watch{.every = epoch * parts_.watch.every,
                          .show = [&](std::int64_t steps, const PackResult& so_far) {
                            return parts_.watch.show(
                                static_cast<int>(steps / epoch),
                                ToDense(Segments(pack, so_far, 0), layout_->size()));
                          }};
    RONDO_TRY(PackResult result, TrainPack(parts_.context, pack, parts_.stop, watch));
    const double seconds = SecondsSince(start) / static_cast<double>(plans.size());
    if (shared && !FoldShared(pack, result, seconds)) {
      // Some client diverged: alone, each shows whether it is the one.
      for (const ClientPlan* plan : plans) {
        RONDO_TRY_STATUS(RunPack({&plan, 1}, false));
      }
    }
    for (std::size_t member = 0; member < plans.size() && !shared; ++member) {
      FoldMember(pack, result, member, seconds);
    }
    return Ok();
  }

  std::vector<UpdateSegment> Segments(const Pack& pack,
                                      const PackResult& result,
                                      std::int64_t group) const {
    std::vector<UpdateSegment> segments;
    for (std::size_t i = 0; i < result.delta.size(); ++i) {
      const ParameterEntry& entry = layout_->entries()[i];
      const std::int64_t stride = result.delta[i].numel() / pack.groups();
      float* const values = result.delta[i].data_ptr<float>() + group * stride;
      const std::span<const ItemRow> rows = pack.table(group);
      if (entry.name != "item.weight" || rows.empty()) {
        segments.push_back({entry.offset, {values, static_cast<std::size_t>(stride)}});
        continue;
      }
      const auto width = static_cast<std::size_t>(parts_.context.model->width);
      for (std::size_t r = 1; r < rows.size(); ++r) {
        segments.push_back({entry.offset + static_cast<std::size_t>(rows[r]) * width,
                            {values + r * width, width}});
      }
    }
    return segments;
  }

  /// Returns false if the sum is not finite; then nothing was folded.
  bool FoldShared(const Pack& pack, const PackResult& result, double seconds) {
    const std::vector<UpdateSegment> update = Segments(pack, result, 0);
    if (std::find(result.diverged.begin(), result.diverged.end(), true) != result.diverged.end()
        || !std::isfinite(ClipSegments(update, 0.0))) {
      return false;
    }
    const std::scoped_lock lock(mutex_);
    const double limit = block_.grid.limit;
    block_.grid.limit *= static_cast<double>(pack.plans().size());  // a sum of that many clients
    saturated_ += FoldSegments(block_, update, 1);
    block_.grid.limit = limit;
    for (std::size_t member = 0; member < pack.plans().size(); ++member) {
      Report(*pack.plans()[member], result.loss[member], 0.0, seconds);
    }
    return true;
  }

  void FoldMember(const Pack& pack, const PackResult& result, std::size_t member, double seconds) {
    const ClientPlan& plan = *pack.plans()[member];
    const std::vector<UpdateSegment> update =
        Segments(pack, result, static_cast<std::int64_t>(member));
    const double norm = ClipSegments(update, task_.clip_norm);
    const bool finite = !result.diverged[member] && std::isfinite(norm);
    const bool singles = parts_.visibility == UpdateVisibility::kIndividual;
    const bool exact = block_.grid.kind == GridSpec::Kind::kExact;
    std::vector<float> dense;
    if (finite && (singles || !exact)) {
      dense = ToDense(update, layout_->size());
    }
    const std::scoped_lock lock(mutex_);
    if (!finite) {
      failed_.emplace_back(plan.id,
                           Error{ErrorCode::kDiverged,
                                 "training of client '" + plan.id
                                     + "' met NaN or infinity: lower client.learning_rate or set "
                                       "client.gradient_clip"});
      return;
    }
    if (singles) {
      deltas_[plan.client] = std::move(dense);
    } else if (exact) {
      saturated_ += FoldSegments(block_, update, plan.weight);
    } else {
      Rng rng({task_.seed, task_.round, plan.hash, Purpose::kRounding});
      saturated_ +=
          FoldDense(block_, dense, plan.weight, &rng).value();  // finite, so it cannot fail
    }
    Report(plan, result.loss[member], norm, seconds);
  }

  void Report(const ClientPlan& plan, double loss, double norm, double seconds) {
    reports_[plan.client] = {.id = plan.id,
                             .weight = plan.weight,
                             .positions = plan.positions,
                             .steps = plan.steps.size(),
                             .loss = loss,
                             .update_norm = norm,
                             .seconds = seconds};
  }

  Status MoveToRing(std::uint32_t contributors) {
    const std::vector<double> reals = GridToReal(block_);
    const std::vector<float> values(reals.begin(), reals.end());
    block_ = MakeBlock(std::string(kDeltaBlock), layout_, task_.grid, Scaling::kByWeight);
    block_.grid.limit *= std::max(1U, contributors);
    Rng rng({task_.seed, task_.round, 0, Purpose::kRounding});
    RONDO_TRY(const std::uint64_t saturated, FoldDense(block_, values, 1, &rng));
    saturated_ += saturated;
    block_.grid = task_.grid;
    return Ok();
  }

  Parts parts_;
  const TrainTask& task_;
  std::shared_ptr<const ParameterLayout> layout_;
  std::mutex mutex_;  // guards everything below while packs run
  GridBlock block_;
  std::uint64_t saturated_ = 0;
  std::vector<ClientReport> reports_;       // by cohort index; weight 0: none
  std::vector<std::vector<float>> deltas_;  // by cohort index
  std::vector<std::pair<ClientId, Error>> failed_;
  Error error_;
  std::atomic<bool> broken_ = false;
};

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
    ParameterVector model = broadcast.model;
    const auto show = [&](int epochs, const std::vector<float>& delta) {
      for (std::size_t i = 0; i < delta.size(); ++i) {
        model.values[i] = broadcast.model.values[i] + delta[i];
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
    RoundContext context{
        .model = &options_.model, .layout = layout_.get(), .task = &task, .items = options_.items};
    if (!options_.model.features.empty()) {
      context.features = options_.features.get();
    }
    RONDO_TRY(context.loss, FindLoss(task.client.loss));
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
                            .feature_values = FeatureValues(options_),
                            .negatives = NegativesOf(task.client)};
    Round round({context, plans, visibility, limits, stop, watch}, layout_, clients.size());
    RONDO_TRY_STATUS(round.Run(workers_));
    RONDO_TRY(CohortOutcome outcome, std::move(round).Take());
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
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const int threads = device.is_cuda()             ? 1
                      : options.engine.threads > 0 ? options.engine.threads
                                                   : cores;
  return std::unique_ptr<CohortTrainer>(
      std::make_unique<TorchCohortTrainer>(options, std::move(layout), device, threads));
}

}  // namespace rondo
