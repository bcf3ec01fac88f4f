#include "simulations/attacks/poison.h"

#include <algorithm>

namespace rondo::sim {
namespace {

/// Filler and target in turn; `filler` gives the next item.
template <typename Filler>
PoisonedSequence Shill(std::size_t length, ItemRow target, const Filler& filler) {
  PoisonedSequence sequence;
  for (std::size_t i = 0; i < std::max<std::size_t>(length, 2); ++i) {
    sequence.rows.push_back(i % 2 == 1 ? target : filler());
  }
  return sequence;
}

ItemRow AnyItem(const PoisonContext& context, Rng& rng) {
  return static_cast<ItemRow>(1 + rng.Below(static_cast<std::uint64_t>(context.items)));
}

ItemRow PopularItem(const PoisonContext& context, Rng& rng) {
  const std::size_t tenth = std::max<std::size_t>(1, context.by_popularity.size() / 10);
  return context.by_popularity[rng.Below(tenth)];
}

}  // namespace

PoisonedSequence FlipLabels(std::span<const ItemRow> own,
                            const PoisonContext& context,
                            Rng& /*rng*/) {
  PoisonedSequence sequence;
  for (const ItemRow row : own) {
    sequence.rows.push_back(static_cast<ItemRow>(context.items + 1 - row));
  }
  return sequence;
}

PoisonedSequence FillWithRandom(std::span<const ItemRow> own,
                                const PoisonContext& context,
                                Rng& rng) {
  return Shill(own.size(), context.target, [&] { return AnyItem(context, rng); });
}

PoisonedSequence FillWithPopular(std::span<const ItemRow> own,
                                 const PoisonContext& context,
                                 Rng& rng) {
  return Shill(own.size(), context.target, [&] { return PopularItem(context, rng); });
}

PoisonedSequence FillWithBoth(std::span<const ItemRow> own,
                              const PoisonContext& context,
                              Rng& rng) {
  return Shill(own.size(), context.target, [&] {
    return rng.Below(2) == 0 ? AnyItem(context, rng) : PopularItem(context, rng);
  });
}

PoisonedSequence AlwaysTarget(std::span<const ItemRow> own,
                              const PoisonContext& context,
                              Rng& /*rng*/) {
  PoisonedSequence sequence;
  for (const ItemRow row : own) {
    sequence.rows.insert(sequence.rows.end(), {row, context.target});
    sequence.roles.insert(sequence.roles.end(), {EventRole::kInput, EventRole::kTarget});
  }
  return sequence;
}

}  // namespace rondo::sim
