#include "common/model/packs.h"

#include <algorithm>
#include <tuple>

#include "common/core/rng.h"

namespace rondo {
namespace {

// More than this gains nothing on a CPU: activations, or the weights of the clients, leave the
// cache.
constexpr std::int64_t kTokensAPack = 1024;
constexpr std::int64_t kClientsAPack = 16;

/// The largest of a pack's clients in each dimension: the shape its tensors are padded to.
struct Extent {
  std::int64_t clients = 0;
  std::int64_t sequences = 0;  // of all clients together, in their widest steps
  std::int64_t widest_step = 0;
  std::int64_t longest = 0;
  std::int64_t touched = 0;  // most rows of a client
  std::int64_t all_touched = 0;

  void Add(const ClientPlan& plan) {
    const auto rows = static_cast<std::int64_t>(plan.touched.size());
    clients += 1;
    sequences += plan.widest_step;
    widest_step = std::max(widest_step, plan.widest_step);
    longest = std::max(longest, plan.longest);
    touched = std::max(touched, rows);
    all_touched += rows;
  }

  /// Positions of a step, padding included.
  std::int64_t Tokens(bool shared) const {
    return (shared ? sequences : clients * widest_step) * longest;
  }

  std::int64_t TableRows(const PackLimits& limits) const {
    if (!limits.compact) {
      return limits.items + 1;
    }
    return limits.shared ? std::min(limits.items + 1, all_touched) : touched;
  }
};

/// Bytes that a pack needs at its peak: weights with gradient and optimiser state, activations.
double PackBytes(const PackLimits& limits, const Extent& extent) {
  const ModelConfig& model = *limits.model;
  const double width = model.width;
  const auto rows = static_cast<double>(extent.TableRows(limits));
  const double weights = rows * width + (6.0 * width + 12.0) * width * model.blocks
                         + model.history * width
                         + static_cast<double>(limits.feature_values) * width;
  // Mixed features, gate, fused table and their gradients.
  const double fused = limits.feature_values > 0 ? 6.0 * rows * width : 0.0;
  const double copies = limits.adam ? 6.0 : 4.0;
  const auto tokens = static_cast<double>(extent.Tokens(limits.shared));
  const double hidden = tokens * width * (6.0 + 24.0 * model.blocks);
  const bool additive = std::find(model.attention.begin(), model.attention.end(), "additive")
                        != model.attention.end();
  const double pairs = tokens * static_cast<double>(extent.longest)
                       * (additive ? 3.0 * width : 5.0 * model.heads) * model.blocks;
  // The full softmax goes block by block; sampled losses gather a row a target and negative.
  const double gathered = tokens * width * 2.0 * (1.0 + limits.negatives);
  const double groups = limits.shared ? 1.0 : static_cast<double>(extent.clients);
  return 4.0 * (groups * (weights * copies + fused) + hidden + pairs + gathered);
}

bool Fits(const PackLimits& limits, const Extent& extent) {
  return extent.Tokens(limits.shared) <= kTokensAPack
         && (limits.shared || extent.clients <= kClientsAPack)
         && PackBytes(limits, extent) <= static_cast<double>(limits.memory_mib) * 1048576.0;
}

}  // namespace

std::vector<std::vector<const ClientPlan*>> MakePacks(std::span<const ClientPlan> plans,
                                                      const PackLimits& limits) {
  std::vector<const ClientPlan*> order;
  for (const ClientPlan& plan : plans) {
    order.push_back(&plan);
  }
  const auto key = [](const ClientPlan* plan) {
    return std::tuple(plan->steps.size(), plan->widest_step, plan->longest);
  };
  std::sort(order.begin(), order.end(), [&](const ClientPlan* a, const ClientPlan* b) {
    return key(a) != key(b) ? key(a) > key(b) : a->id < b->id;
  });
  std::vector<std::vector<const ClientPlan*>> packs;
  Extent extent;
  for (const ClientPlan* plan : order) {
    Extent with = extent;
    with.Add(*plan);
    if (packs.empty() || !Fits(limits, with)) {
      packs.emplace_back();
      with = Extent();
      with.Add(*plan);
    }
    packs.back().push_back(plan);
    extent = with;
  }
  return packs;
}

struct Pack::Cursor {
  std::int64_t sequence = 0;  // next free of the group
  std::int64_t slot = 0;
};

Pack::Pack(std::span<const ClientPlan* const> plans,
           bool shared,
           std::int64_t items,
           const TrainTask& task)
    : plans_(plans.begin(), plans.end()),
      shared_(shared),
      task_(task),
      drawn_used_(plans.size(), 0) {
  for (const ClientPlan* plan : plans_) {
    steps_ = std::max(steps_, static_cast<std::int64_t>(plan->steps.size()));
    table_rows_ = std::max(table_rows_, static_cast<std::int64_t>(plan->touched.size()));
    stream_key_.push_back(Rng({task.seed, task.round, plan->hash, Purpose::kDropout}).NextU64());
    if (shared_) {
      merged_.insert(merged_.end(), plan->touched.begin(), plan->touched.end());
    }
  }
  if (!UsesCompactTable(task)) {
    table_rows_ = items + 1;
  } else if (shared_) {
    std::sort(merged_.begin(), merged_.end());
    merged_.erase(std::unique(merged_.begin(), merged_.end()), merged_.end());
    table_rows_ = static_cast<std::int64_t>(merged_.size());
  }
}

std::span<const ItemRow> Pack::table(std::int64_t group) const {
  return shared_ ? std::span<const ItemRow>(merged_)
                 : plans_[static_cast<std::size_t>(group)]->touched;
}

std::int64_t Pack::TableRow(std::int64_t group, ItemRow row) const {
  const std::span<const ItemRow> rows = table(group);
  return rows.empty() ? row : std::lower_bound(rows.begin(), rows.end(), row) - rows.begin();
}

void Pack::Shape(std::int64_t step, StepBatch& batch) const {
  batch.groups = groups();
  batch.negatives_a_slot = NegativesOf(task_.client);
  std::int64_t sequences = 0;
  std::int64_t slots = 0;
  for (const ClientPlan* plan : plans_) {
    if (!shared_) {
      sequences = slots = 0;
    }
    if (step < static_cast<std::int64_t>(plan->steps.size())) {
      for (const std::uint32_t s : plan->steps[static_cast<std::size_t>(step)]) {
        ++sequences;
        slots += plan->sequences[s].positions();
        batch.length = std::max(batch.length, plan->sequences[s].length());
      }
    }
    batch.sequences = std::max(batch.sequences, sequences);
    batch.slots = std::max(batch.slots, slots);
  }
  const auto slot_count = static_cast<std::size_t>(batch.groups * batch.slots);
  batch.input.assign(static_cast<std::size_t>(batch.groups * batch.sequences * batch.length), 0);
  // Unused slots look at their own group, so that one group's NaN stays its own.
  for (std::int64_t slot = 0; slot < batch.groups * batch.slots; ++slot) {
    batch.place.push_back(slot / batch.slots * batch.sequences * batch.length);
  }
  batch.target.assign(slot_count, 1);
  batch.negatives.assign(slot_count * static_cast<std::size_t>(batch.negatives_a_slot), 1);
  batch.coefficient.assign(slot_count, 0.0F);
  batch.owner.assign(slot_count, -1);
  batch.active.assign(static_cast<std::size_t>(batch.groups), 0.0F);
  batch.dropout_key.assign(static_cast<std::size_t>(batch.groups * batch.sequences), 0);
}

void Pack::Fill(std::size_t member, std::int64_t step, Cursor& at, StepBatch& batch) {
  const ClientPlan& plan = *plans_[member];
  const std::int64_t group = shared_ ? 0 : static_cast<std::int64_t>(member);
  const std::vector<std::uint32_t>& chosen = plan.steps[static_cast<std::size_t>(step)];
  const int per_slot = batch.negatives_a_slot;
  std::int64_t positions = 0;
  for (const std::uint32_t s : chosen) {
    positions += plan.sequences[s].positions();
  }
  const float factor =
      (shared_ ? static_cast<float>(plan.weight) : 1.0F) / static_cast<float>(positions);
  batch.active[static_cast<std::size_t>(group)] = 1.0F;
  for (const std::uint32_t s : chosen) {
    const PlannedSequence& sequence = plan.sequences[s];
    const std::int64_t row = group * batch.sequences + at.sequence++;
    const std::int64_t first = (row + 1) * batch.length - sequence.length();
    batch.dropout_key[static_cast<std::size_t>(row)] =
        SplitMix64(stream_key_[member] + SplitMix64((static_cast<std::uint64_t>(step) << 32) + s));
    for (std::size_t i = 0; i < sequence.inputs.size(); ++i) {
      batch.input[static_cast<std::size_t>(first) + i] = TableRow(group, sequence.inputs[i]);
    }
    for (std::size_t t = 0; t < sequence.targets.size(); ++t, ++at.slot) {
      const auto slot = static_cast<std::size_t>(group * batch.slots + at.slot);
      batch.place[slot] = first + sequence.places[t];
      batch.target[slot] = TableRow(group, sequence.targets[t]);
      batch.coefficient[slot] = factor;
      batch.owner[slot] = static_cast<std::int32_t>(member);
      for (int k = 0; k < per_slot; ++k) {
        const std::size_t brought =
            t * static_cast<std::size_t>(per_slot) + static_cast<std::size_t>(k);
        const ItemRow negative =
            plan.drawn.empty() ? sequence.negatives[brought] : plan.drawn[drawn_used_[member]++];
        batch.negatives[slot * static_cast<std::size_t>(per_slot) + static_cast<std::size_t>(k)] =
            TableRow(group, negative);
      }
    }
  }
}

StepBatch Pack::Batch(std::int64_t step) {
  StepBatch batch;
  Shape(step, batch);
  Cursor at;
  for (std::size_t member = 0; member < plans_.size(); ++member) {
    if (!shared_) {
      at = Cursor{};
    }
    if (step < static_cast<std::int64_t>(plans_[member]->steps.size())) {
      Fill(member, step, at, batch);
    }
  }
  return batch;
}

}  // namespace rondo
