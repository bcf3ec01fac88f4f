#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/core/rng.h"
#include "common/data/dataset.h"

/// What hostile clients train on instead of their own log.
namespace rondo::sim {

struct PoisonedSequence {
  std::vector<ItemRow> rows;
  std::vector<EventRole> roles;  ///< empty, or one a row
};

/// What a poisoner knows.
struct PoisonContext {
  std::int64_t items = 0;
  ItemRow target = 0;                      ///< the item to promote
  std::span<const ItemRow> by_popularity;  ///< all rows, the most popular first
};

/// A sequence in place of `own`, about as long.
using Poison = PoisonedSequence (*)(std::span<const ItemRow> own,
                                    const PoisonContext& context,
                                    Rng& rng);

/// Every item is taken for its mirror image in the catalogue, so that what follows what is wrong.
/// Source  Tolpegin et al. 2020, label flipping, carried over to sequences.
PoisonedSequence FlipLabels(std::span<const ItemRow> own, const PoisonContext& context, Rng& rng);

/// Shilling profiles: the target after every second event, with filler items that are drawn from
/// the whole catalogue, from its most popular tenth, or half from each.
/// Source  Mobasher et al. 2007, random, popular and bandwagon attacks, carried over to sequences.
PoisonedSequence FillWithRandom(std::span<const ItemRow> own,
                                const PoisonContext& context,
                                Rng& rng);
PoisonedSequence FillWithPopular(std::span<const ItemRow> own,
                                 const PoisonContext& context,
                                 Rng& rng);
PoisonedSequence FillWithBoth(std::span<const ItemRow> own, const PoisonContext& context, Rng& rng);

/// The own history, every event of which is followed by the target alone.
/// Source  Rong et al. 2022 (FedRecAttack), explicit boosting of a target item.
PoisonedSequence AlwaysTarget(std::span<const ItemRow> own, const PoisonContext& context, Rng& rng);

}  // namespace rondo::sim
