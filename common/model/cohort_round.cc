#include "common/model/cohort_round.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>
#include <optional>
#include <utility>

#include <torch/torch.h>

#include "common/model/cohort_sum.h"
#include "common/model/device.h"
#include "common/model/tensor_fold.h"

namespace rondo {
namespace {

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Error TorchFailure(const std::exception& e) {
  return {ErrorCode::kInternal, "LibTorch failed while training clients: " + std::string(e.what())};
}

std::vector<at::Tensor> OnHost(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> host;
  for (const at::Tensor& tensor : tensors) {
    host.push_back(tensor.to(at::kCPU).contiguous());
  }
  return host;
}

class Round {
 public:
  Round(const RoundParts& parts, std::shared_ptr<const ParameterLayout> layout, std::size_t cohort)
      : parts_(parts),
        task_(*parts.context.task),
        layout_(layout),
        sum_({.task = task_,
              .plans = parts.plans,
              .visibility = parts.visibility,
              .shared = parts.limits.shared},
             std::move(layout),
             cohort) {
    const bool exact = task_.grid.kind == GridSpec::Kind::kExact;
    if (parts_.fold_on_device && exact && !task_.normalise
        && parts_.visibility == UpdateVisibility::kSumOnly) {
      fold_.emplace(layout_, task_.grid, parts_.context.base[0].device());
    }
  }

  Status Run(Workers& workers) {
    const auto packs = MakePacks(parts_.plans, parts_.limits);
    std::atomic<std::size_t> next = 0;
    workers.Run([&] {
      at::set_num_threads(1);
      for (std::size_t i = next++; i < packs.size() && !broken_; i = next++) {
        if (parts_.ranks == nullptr || parts_.ranks->Has(i)) {
          RunGuarded(packs[i], parts_.limits.shared);
        }
      }
    });
    if (!broken_ && fold_.has_value()) {
      try {
        RONDO_TRY_STATUS(SettleQueue());
      } catch (const std::exception& e) {  // LibTorch throws; this is the border.
        return Fail(TorchFailure(e));
      }
    }
    if (broken_) {
      return Fail(error_);
    }
    if (parts_.ranks != nullptr) {
      sum_.Join(*parts_.ranks);
    }
    return Ok();
  }

  /// Nothing, on ranks that are not the first.
  Result<CohortOutcome> Take() && {
    return parts_.ranks == nullptr || parts_.ranks->IsFirst() ? std::move(sum_).Take()
                                                              : CohortOutcome();
  }

 private:
  void RunGuarded(std::span<const ClientPlan* const> plans, bool shared) {
    try {
      if (Status status = RunPack(plans, shared); !status.has_value()) {
        Break(status.error());
      }
    } catch (const std::exception& e) {  // LibTorch throws; this is the border.
      Break(TorchFailure(e));
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
                          .show = [&](std::int64_t steps, const std::vector<at::Tensor>& delta) {
                            return parts_.watch.show(
                                static_cast<int>(steps / epoch),
                                ToDense(Segments(pack, OnHost(delta), 0), layout_->size()));
                          }};
    RONDO_TRY(PackResult result, TrainPack(parts_.context, pack, parts_.stop, watch));
    const double seconds = SecondsSince(start) / static_cast<double>(plans.size());
    if (fold_.has_value()) {
      Queue(pack, shared, std::move(result), seconds);
      return Ok();
    }
    result.book.Settle();
    const std::vector<at::Tensor> delta = OnHost(result.delta);
    if (shared && !AddShared(pack, delta, result.book, seconds)) {
      return RunAlone(plans);
    }
    for (std::size_t member = 0; member < plans.size() && !shared; ++member) {
      sum_.Add(*plans[member],
               Segments(pack, delta, static_cast<std::int64_t>(member)),
               {.loss = result.book.Mean(member),
                .seconds = seconds,
                .diverged = result.book.Diverged(member)});
    }
    return Ok();
  }

  /// Some client of a shared pack diverged: alone, each shows whether it is the one.
  Status RunAlone(std::span<const ClientPlan* const> plans) {
    for (const ClientPlan* plan : plans) {
      RONDO_TRY_STATUS(RunPack({&plan, 1}, false));
    }
    return Ok();
  }

  /// A pack whose updates are folded on its device; what it did is looked at when all are queued.
  struct Queued {
    std::vector<const ClientPlan*> plans;
    bool shared = false;
    LossBook book;
    at::Tensor norms;  // [G], not finite where the update was left out
    double seconds = 0.0;
  };

  void Queue(const Pack& pack, bool shared, PackResult result, double seconds) {
    const at::NoGradGuard no_gradient;
    std::vector<double> weights(static_cast<std::size_t>(pack.groups()), 1.0);
    for (std::size_t member = 0; member < weights.size() && !shared; ++member) {
      weights[member] = static_cast<double>(pack.plans()[member]->weight);
    }
    const std::scoped_lock lock(mutex_);
    at::Tensor norms =
        fold_->Add({.delta = result.delta,
                    .rows = CatalogueRows(pack, result.delta[0].device()),
                    .weight = FromHost(weights, {pack.groups()}, result.delta[0].device()),
                    .sound = result.book.sound(),
                    .clip_norm = shared ? 0.0 : task_.clip_norm,
                    .clients = shared ? static_cast<double>(pack.plans().size()) : 1.0});
    queued_.push_back({.plans = {pack.plans().begin(), pack.plans().end()},
                       .shared = shared,
                       .book = std::move(result.book),
                       .norms = std::move(norms),
                       .seconds = seconds});
  }

  Status SettleQueue() {
    while (!queued_.empty()) {
      for (Queued& pack : std::exchange(queued_, {})) {
        pack.book.Settle();
        const at::Tensor norms = pack.norms.to(at::kCPU);
        const auto* const norm = norms.data_ptr<double>();
        if (pack.shared && !std::isfinite(norm[0])) {
          RONDO_TRY_STATUS(RunAlone(pack.plans));
          continue;
        }
        for (std::size_t member = 0; member < pack.plans.size(); ++member) {
          sum_.Note(*pack.plans[member],
                    pack.shared ? 0.0 : norm[member],
                    {.loss = pack.book.Mean(member), .seconds = pack.seconds});
        }
      }
    }
    sum_.AddFolded(fold_->Sums(), fold_->saturated());
    return Ok();
  }

  std::vector<UpdateSegment> Segments(const Pack& pack,
                                      const std::vector<at::Tensor>& delta,
                                      std::int64_t group) const {
    std::vector<UpdateSegment> segments;
    for (std::size_t i = 0; i < delta.size(); ++i) {
      const ParameterEntry& entry = layout_->entries()[i];
      const std::int64_t stride = delta[i].numel() / pack.groups();
      float* const values = delta[i].data_ptr<float>() + group * stride;
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

  /// Returns false if the sum is not finite; then nothing was added.
  bool AddShared(const Pack& pack,
                 const std::vector<at::Tensor>& delta,
                 const LossBook& book,
                 double seconds) {
    std::vector<double> losses;
    for (std::size_t member = 0; member < pack.plans().size(); ++member) {
      losses.push_back(book.Mean(member));
    }
    return !book.AnyDiverged()
           && sum_.AddShared(pack.plans(), Segments(pack, delta, 0), losses, seconds);
  }

  RoundParts parts_;
  const TrainTask& task_;
  std::shared_ptr<const ParameterLayout> layout_;
  CohortSum sum_;
  std::optional<TensorFold> fold_;  // nothing: updates are folded on the CPU
  std::mutex mutex_;                // guards error_ and queued_
  std::vector<Queued> queued_;
  Error error_;
  std::atomic<bool> broken_ = false;
};

}  // namespace

Result<CohortOutcome> TrainRound(const RoundParts& parts,
                                 std::shared_ptr<const ParameterLayout> layout,
                                 std::size_t cohort,
                                 Workers& workers) {
  Round round(parts, std::move(layout), cohort);
  RONDO_TRY_STATUS(round.Run(workers));
  return std::move(round).Take();
}

}  // namespace rondo
