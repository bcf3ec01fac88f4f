#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "common/model/fold.h"
#include "common/model/plan.h"
#include "common/model/trainer.h"

namespace rondo {

/// What the clients of a round did, as far as their packs are done. The fold is a sum of integers,
/// so its order changes nothing. Safe to add to from several threads.
class CohortSum {
 public:
  struct Parts {
    const TrainTask& task;
    std::span<const ClientPlan> plans;  ///< outlive the sum
    UpdateVisibility visibility = UpdateVisibility::kSumOnly;
    bool shared = false;  ///< packs share weights
  };

  /// What training tells of a client besides its update.
  struct Told {
    double loss = 0.0;
    double seconds = 0.0;
    bool diverged = false;
  };

  /// `cohort` is the number of clients, of which some may have no plan.
  CohortSum(const Parts& parts, std::shared_ptr<const ParameterLayout> layout, std::size_t cohort);

  /// Clips and folds the update of one client, or notes that it diverged. Norm and clip are of what
  /// is sent: personal parameters stay as training left them. `update` is in layout order.
  void Add(const ClientPlan& plan, std::span<const UpdateSegment> update, const Told& told);

  /// Folds the weighted sum of clients who shared weights.
  /// Shapes  loss: one a plan. Returns false if the sum is not finite; then nothing was folded.
  bool AddShared(std::span<const ClientPlan* const> plans,
                 std::span<const UpdateSegment> update,
                 std::span<const double> loss,
                 double seconds);

  /// Notes a client whose update is folded elsewhere, of the L2 norm given, or that it diverged.
  void Note(const ClientPlan& plan, double norm, const Told& told);

  /// Adds what was folded elsewhere, on the exact grid.
  /// Shapes  sums: as many as the layout has numbers.
  void AddFolded(std::span<const std::int64_t> sums, std::uint64_t saturated);

  /// Brings what other ranks added to the first.
  void Join(Ranks& ranks);

  Result<CohortOutcome> Take() &&;

 private:
  bool Singles() const { return parts_.visibility == UpdateVisibility::kIndividual; }

  void NoteLocked(const ClientPlan& plan, double norm, const Told& told);
  Status MoveToRing(std::uint32_t contributors);
  Status AddSteps(CohortOutcome& outcome) const;
  Status AddUnclipped(CohortOutcome& outcome) const;

  Parts parts_;
  std::shared_ptr<const ParameterLayout> layout_;
  std::mutex mutex_;  // guards everything below
  GridBlock block_;
  std::uint64_t saturated_ = 0;
  std::vector<ClientReport> reports_;       // by cohort index; weight 0: none
  std::vector<std::vector<float>> deltas_;  // by cohort index
  std::vector<std::int64_t> diverged_;      // by cohort index; 1: met NaN or infinity
};

}  // namespace rondo
