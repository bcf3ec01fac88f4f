#pragma once

#include <vector>

#include "common/data/dataset.h"
#include "common/metrics/scorer.h"

namespace rondo {

/// Item-based nearest neighbours on the users' sets of training items.
///
///   similarity(i, j) = c / sqrt(n_i n_j) * c / (c + shrink),  c users have both, n_i have i
///   score(j)         = sum of similarity(i, j) over the distinct items i of the history among j's
///   nearest
///
/// Source  Sarwar et al. 2001, "Item-based collaborative filtering recommendation algorithms"; the
/// second factor is the significance weighting of Bell and Koren 2007.
class ItemKnn : public Scorer {
 public:
  struct Options {
    int neighbours = 50;  ///< of each scored item; those tied with the last are kept too
    double shrink = 20.0;
  };

  /// Memory is linear in items * neighbours: the co-occurrences of one item are held at a time.
  static ItemKnn Fit(const Dataset& dataset, const Options& options);

  Status Score(std::span<const History> histories, std::span<float> scores) override;

 private:
  struct Vote {
    ItemRow row = 0;  // the scored item
    float similarity = 0.0F;
  };

  ItemKnn() = default;

  std::vector<Vote> votes_;  // of a history item for the items that have it among their nearest
  std::vector<std::size_t> begin_;  // [items + 2]
};

}  // namespace rondo
