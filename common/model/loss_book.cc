#include "common/model/loss_book.h"

#include <algorithm>
#include <cmath>

#include <torch/torch.h>

namespace rondo {
namespace {

/// Whether a plan's `step` belongs to its last epoch, or is its last where steps were asked for.
bool Counts(const ClientPlan& plan, const ClientConfig& client, std::int64_t step) {
  const std::int64_t last = client.steps > 0 ? 1 : StepsAnEpoch(plan, client);
  return step + last >= static_cast<std::int64_t>(plan.steps.size());
}

}  // namespace

LossBook::LossBook(const Pack& pack, const ClientConfig& client)
    : plans_(pack.plans().begin(), pack.plans().end()),
      client_(client),
      sums_(plans_.size()),
      counts_(plans_.size()),
      diverged_(plans_.size()) {}

void LossBook::Add(const StepBatch& batch, const at::Tensor& losses, std::int64_t step) {
  Entry entry{.owner = batch.owner, .losses = losses, .counts = {}};
  for (const ClientPlan* plan : plans_) {
    entry.counts.push_back(Counts(*plan, client_, step));
  }
  const at::Tensor finite = losses.sum(1).isfinite();
  sound_ = sound_.defined() ? sound_.logical_and(finite) : finite;
  pending_.push_back(std::move(entry));
  if (losses.is_cpu()) {
    Settle();
  }
}

void LossBook::Settle() {
  for (const Entry& entry : pending_) {
    Read(entry);
  }
  pending_.clear();
}

void LossBook::Read(const Entry& entry) {
  const at::Tensor host = entry.losses.to(at::kCPU).contiguous();
  const float* loss = host.data_ptr<float>();
  for (std::size_t slot = 0; slot < entry.owner.size(); ++slot) {
    if (entry.owner[slot] < 0) {
      continue;
    }
    const auto plan = static_cast<std::size_t>(entry.owner[slot]);
    if (!std::isfinite(loss[slot])) {
      diverged_[plan] = true;
    } else if (entry.counts[plan]) {
      sums_[plan] += static_cast<double>(loss[slot]);
      counts_[plan] += 1.0;
    }
  }
}

double LossBook::Mean(std::size_t plan) const {
  return counts_[plan] > 0.0 ? sums_[plan] / counts_[plan] : 0.0;
}

bool LossBook::AnyDiverged() const {
  return std::find(diverged_.begin(), diverged_.end(), true) != diverged_.end();
}

bool LossBook::AllDiverged() const {
  return std::find(diverged_.begin(), diverged_.end(), false) == diverged_.end();
}

}  // namespace rondo
