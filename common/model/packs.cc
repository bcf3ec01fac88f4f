#include "common/model/packs.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "common/core/rng.h"

namespace rondo {
namespace {

// On a CPU the weights of more clients, or more positions with weights a client, would leave the
// caches.
constexpr std::int64_t kClientsAPack = 4;
constexpr std::int64_t kTokensAPack = 1024;

// Clients who share weights go through the cache some sequences at a time anyway. Larger packs save
// what each costs once; many packs of one size, a multiple of 8, leave no thread or rank waiting.
constexpr std::int64_t kMostTokensAPack = 8192;
constexpr std::int64_t kPacksACohort = 32;
constexpr std::int64_t kMultiple = 8;

/// The largest of a pack's clients in each dimension: the shape its tensors are padded to.
struct Extent {
  std::int64_t clients = 0;
  std::int64_t sequences = 0;  // of all clients together, in their widest steps
  std::int64_t widest_step = 0;
  std::int64_t longest = 0;
  std::int64_t rows = 0;  // bound on the rows of a client
  std::int64_t all_rows = 0;

  void Add(const ClientPlan& plan) {
    clients += 1;
    sequences += plan.widest_step;
    widest_step = std::max(widest_step, plan.widest_step);
    longest = std::max(longest, plan.longest);
    rows = std::max(rows, plan.most_rows);
    all_rows += plan.most_rows;
  }

  /// Positions of a step, padding included.
  std::int64_t Tokens(bool shared) const {
    return (shared ? sequences : clients * widest_step) * longest;
  }

  std::int64_t TableRows(const PackLimits& limits) const {
    if (!limits.compact) {
      return limits.items + 1;
    }
    return limits.shared ? std::min(limits.items + 1, all_rows) : rows;
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
  // Weights, start, gradient, update and a proximal term's copy; moments of Adam; correction.
  const double copies = (limits.adam ? 7.0 : 5.0) + (limits.corrected ? 1.0 : 0.0);
  const auto tokens = static_cast<double>(extent.Tokens(limits.shared));
  const double hidden = tokens * width * (6.0 + 24.0 * model.blocks);
  const bool additive = std::find(model.attention.begin(), model.attention.end(), "additive")
                        != model.attention.end();
  const bool window =
      std::find(model.forms.begin(), model.forms.end(), "window") != model.forms.end();
  const auto keys = static_cast<double>(
      window ? std::min<std::int64_t>(extent.longest, 2 * std::int64_t{model.window})
             : extent.longest);
  const double pairs = tokens * keys * (additive ? 3.0 * width : 5.0 * model.heads) * model.blocks;
  // Candidates with their attention, and each position's own copy of keys and values.
  const double asked = limits.candidates == 0
                           ? 0.0
                           : tokens * 2.0
                                 * (static_cast<double>(limits.candidates) * (12.0 * width + keys)
                                    + 2.0 * width * static_cast<double>(extent.longest));
  // A fold on the device holds the largest tensor some times over in double precision.
  const double folded = limits.cached ? 0.0 : 10.0 * rows * width;
  const double groups = limits.shared ? 1.0 : static_cast<double>(extent.clients);
  return 4.0 * (groups * (weights * copies + fused + folded) + hidden + pairs + asked);
}

/// Positions of all steps, without padding.
std::int64_t Positions(const ClientPlan& plan) {
  return plan.widest_step * plan.longest;
}

/// How many packs clients who share weights are to form; 0 if memory alone decides.
std::int64_t WantedPacks(const PackLimits& limits, std::int64_t all_positions) {
  if (!limits.cached || !limits.shared) {
    return 0;
  }
  const auto divide_up = [](std::int64_t a, std::int64_t b) {
    return (a + b - 1) / b;
  };
  const std::int64_t size =
      std::clamp(all_positions / kPacksACohort, kTokensAPack, kMostTokensAPack);
  return divide_up(divide_up(all_positions, size), kMultiple) * kMultiple;
}

bool Fits(const PackLimits& limits, const Extent& extent) {
  const bool cached = limits.shared || !limits.cached
                      || (extent.clients <= kClientsAPack && extent.Tokens(false) <= kTokensAPack);
  return cached && PackBytes(limits, extent) <= static_cast<double>(limits.memory_mib) * 1048576.0;
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
  const std::int64_t all = std::accumulate(
      plans.begin(), plans.end(), std::int64_t{0}, [](std::int64_t sum, const ClientPlan& plan) {
        return sum + Positions(plan);
      });
  const std::int64_t wanted = WantedPacks(limits, all);
  std::vector<std::vector<const ClientPlan*>> packs;
  Extent extent;
  std::int64_t before = 0;  // positions of all clients before this one
  for (const ClientPlan* plan : order) {
    // A pack is full when all packs so far hold their share.
    const bool full = wanted > 0 && before * wanted >= std::ssize(packs) * all;
    Extent with = extent;
    with.Add(*plan);
    if (packs.empty() || full || !Fits(limits, with)) {
      packs.emplace_back();
      with = Extent();
      with.Add(*plan);
    }
    packs.back().push_back(plan);
    extent = with;
    before += Positions(*plan);
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
      task_(task) {
  // A slice as large as the table would only cost its copy.
  const std::int64_t most_rows = std::accumulate(
      plans_.begin(), plans_.end(), std::int64_t{0}, [](std::int64_t rows, const ClientPlan* plan) {
        return rows + plan->most_rows;
      });
  const bool compact = UsesCompactTable(task) && !(shared_ && most_rows > items);
  if (compact) {
    tables_.assign(static_cast<std::size_t>(groups()), RowSet(items));
  }
  for (const ClientPlan* plan : plans_) {
    steps_ = std::max(steps_, static_cast<std::int64_t>(plan->steps.size()));
    Rng dropout({task.seed, task.round, plan->hash, Purpose::kDropout});
    members_.push_back(
        {.drawn = DrawNegatives(*plan, task, items), .dropout_key = dropout.NextU64()});
    if (compact) {
      RowSet& table = tables_[shared_ ? 0 : members_.size() - 1];
      table.Insert(members_.back().drawn);
      for (const PlannedSequence& sequence : plan->sequences) {
        table.Insert(sequence.inputs);
        table.Insert(sequence.targets);
        table.Insert(sequence.negatives);
      }
    }
  }
  table_rows_ = compact ? 0 : items + 1;
  for (RowSet& table : tables_) {
    table.Seal();
    table_rows_ = std::max(table_rows_, std::ssize(table.rows()));
  }
}

std::span<const ItemRow> Pack::table(std::int64_t group) const {
  return tables_.empty() ? std::span<const ItemRow>()
                         : tables_[static_cast<std::size_t>(group)].rows();
}

std::int64_t Pack::TableRow(std::int64_t group, ItemRow row) const {
  return tables_.empty() ? row : tables_[static_cast<std::size_t>(group)].Place(row);
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
    batch.dropout_key[static_cast<std::size_t>(row)] = SplitMix64(
        members_[member].dropout_key + SplitMix64((static_cast<std::uint64_t>(step) << 32) + s));
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
        Member& own = members_[member];
        const ItemRow negative =
            own.drawn.empty() ? sequence.negatives[brought] : own.drawn[own.used++];
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
