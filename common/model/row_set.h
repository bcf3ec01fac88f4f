#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/data/dataset.h"

namespace rondo {

/// The catalogue rows that a slice of the item table holds, row 0 always among them, and the place
/// of each: one bit an item, and a count every 64. Insert all, then Seal.
class RowSet {
 public:
  explicit RowSet(std::int64_t items);

  void Insert(std::span<const ItemRow> rows);
  void Seal();

  /// The rows in ascending order.
  std::span<const ItemRow> rows() const { return rows_; }

  std::int64_t Place(ItemRow row) const;  ///< index in rows(); `row` must have been inserted

 private:
  std::vector<std::uint64_t> bits_;
  std::vector<std::int32_t> before_;  ///< rows in all earlier words
  std::vector<ItemRow> rows_;
};

}  // namespace rondo
