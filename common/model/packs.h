#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/config/scenario.h"
#include "common/core/ids.h"
#include "common/model/plan.h"
#include "common/model/row_set.h"

/// Which clients are trained together, and each of their steps as flat arrays. Functions of plans,
/// task and memory bound alone.
namespace rondo {

/// What a pack may cost.
struct PackLimits {
  const ModelConfig* model = nullptr;
  std::int64_t items = 0;
  std::int64_t memory_mib = 512;  ///< of one pack
  bool shared = false;            ///< one set of weights for the pack
  bool compact = false;
  bool adam = false;
  bool corrected = false;           ///< clients bring corrections of their gradients
  std::int64_t feature_values = 0;  ///< rows of the feature table
  std::int64_t candidates = 0;      ///< that each position takes through attention; 0: none
  bool cached = true;               ///< keep to what a core's caches hold; off for a GPU
};

/// Groups plans of similar length, the most expensive packs first. A pack of more than one client
/// stays within `memory_mib`, padding included. Independent of the order of `plans`.
std::vector<std::vector<const ClientPlan*>> MakePacks(std::span<const ClientPlan> plans,
                                                      const PackLimits& limits);

/// One step of a pack as flat arrays. G groups have weights of their own: one a client, or one for
/// all.
struct StepBatch {
  std::int64_t groups = 0;              ///< G
  std::int64_t sequences = 0;           ///< B, most sequences of a group
  std::int64_t length = 0;              ///< L, longest sequence of the step
  std::int64_t slots = 0;               ///< P, most targets of a group
  int negatives_a_slot = 0;             ///< K
  std::vector<std::int64_t> input;      ///< [G, B, L] table rows, right-aligned, 0 = padding
  std::vector<std::int64_t> place;      ///< [G, P] index into the flat [G B L] positions
  std::vector<std::int64_t> target;     ///< [G, P] table rows
  std::vector<std::int64_t> negatives;  ///< [G, P, K] table rows
  std::vector<float> coefficient;   ///< [G, P] factor of the position's loss; 0 for unused slots
  std::vector<std::int32_t> owner;  ///< [G, P] index of the plan in the pack; -1 for unused slots
  std::vector<float> active;        ///< [G] 1 where the group takes this step
  std::vector<std::uint64_t> dropout_key;  ///< [G B] one key a sequence
};

/// The plans of a pack with their table rows.
class Pack {
 public:
  Pack(std::span<const ClientPlan* const> plans,
       bool shared,
       std::int64_t items,
       const TrainTask& task);

  std::int64_t groups() const { return shared_ ? 1 : static_cast<std::int64_t>(plans_.size()); }

  std::int64_t steps() const { return steps_; }

  std::span<const ClientPlan* const> plans() const { return plans_; }

  bool shared() const { return shared_; }

  /// Catalogue rows of a group's item table, row 0 first, or empty for the whole table.
  std::span<const ItemRow> table(std::int64_t group) const;

  std::int64_t table_rows() const { return table_rows_; }  ///< most rows of a group

  StepBatch Batch(std::int64_t step);  ///< call in order of steps

 private:
  struct Cursor;
  std::int64_t TableRow(std::int64_t group, ItemRow row) const;
  void Shape(std::int64_t step, StepBatch& batch) const;
  void Fill(std::size_t member, std::int64_t step, Cursor& at, StepBatch& batch);

  /// What a plan's turn needs.
  struct Member {
    std::vector<ItemRow> drawn;  ///< negatives of all steps, if none were brought
    std::size_t used = 0;        ///< of them, by earlier steps
    std::uint64_t dropout_key = 0;
  };

  std::vector<const ClientPlan*> plans_;
  bool shared_;
  const TrainTask& task_;
  std::int64_t steps_ = 0;
  std::int64_t table_rows_ = 0;
  std::vector<Member> members_;
  std::vector<RowSet> tables_;  ///< one a group; none for the whole table
};

}  // namespace rondo
