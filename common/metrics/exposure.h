#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/core/ids.h"
#include "common/data/dataset.h"

namespace rondo {

/// How often each item stands in the first k places, summed over lists.
///
/// Items tied at place k share the places that are left, so nothing depends on the order of items.
class Exposure {
 public:
  /// `k` places of lists over rows 1 .. items.
  Exposure(std::int64_t items, int k);

  /// Adds one list: all items but `excluded` (sorted, without repeats). NaN scores rank last.
  /// Shapes  scores [items + 1].
  void Add(std::span<const float> scores, std::span<const ItemRow> excluded);

  /// Adds the lists that another thread counted, over the same items and k.
  void Merge(const Exposure& other);

  /// Share of the catalogue that can appear in a list.
  double Coverage() const;

  /// Gini coefficient of the exposure over the catalogue: 0 all equal, towards 1 a single item.
  double Gini() const;

  /// Mean self-information of a shown item in bits: -log2((n + 1) / (users + 1)), n of `users`
  /// users having the item in training. Shapes  item_users [items + 1].
  double Novelty(std::span<const std::uint32_t> item_users, std::uint64_t users) const;

  int k() const { return k_; }

  std::span<const double> shown() const { return shown_; }

 private:
  int k_;
  std::vector<double> shown_;  // [items + 1]
  std::vector<ItemRow> order_;
};

/// How many users have each item in their training rows.
/// Shapes  [items + 1].
std::vector<std::uint32_t> UsersPerItem(const Dataset& dataset);

}  // namespace rondo
