#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "common/model/packs.h"

namespace rondo {

/// The losses of a pack's plans over the steps that count for their reports. Losses that lie on a
/// GPU are looked at when they are asked for, so that no step waits for the one before.
class LossBook {
 public:
  LossBook(const Pack& pack, const ClientConfig& client);

  /// Books a step's losses [G, P], 0 in unused slots.
  void Add(const StepBatch& batch, const at::Tensor& losses, std::int64_t step);

  /// Whether a group met no NaN or infinity so far: bool [G], where the losses lie.
  const at::Tensor& sound() const { return sound_; }

  /// Looks at all losses booked so far; the three below need it.
  void Settle();

  double Mean(std::size_t plan) const;  ///< over positions of the plan's last epoch, or step

  bool Diverged(std::size_t plan) const { return diverged_[plan]; }

  bool AnyDiverged() const;
  bool AllDiverged() const;

 private:
  struct Entry {
    std::vector<std::int32_t> owner;
    at::Tensor losses;
    std::vector<bool> counts;  // by plan
  };

  void Read(const Entry& entry);

  std::vector<const ClientPlan*> plans_;
  ClientConfig client_;
  at::Tensor sound_;
  std::vector<Entry> pending_;
  std::vector<double> sums_;
  std::vector<double> counts_;
  std::vector<bool> diverged_;
};

}  // namespace rondo
