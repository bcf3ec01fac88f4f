#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/core/ids.h"
#include "common/core/result.h"
#include "common/data/dataset.h"

namespace rondo {

/// One entry of an item's sparse feature row.
struct FeatureValue {
  std::int32_t index = 0;  ///< row of the feature table
  float amount = 0.0F;     ///< factor of that row
};

/// The public features of all items: which rows of the feature table each item is made of. Derived
/// from the catalogue and the column names alone, so clients and coordinator agree without talking.
/// Types, as in RecBole:
///
///   token      one category, amount 1
///   token_seq  categories between spaces, each distinct one with amount 1 / their number
///   float      a number, standardised over the items that have it
///   float_seq  numbers between spaces, each place standardised on its own
///
/// An empty cell gives no entry. A column without a type is float where all its cells are numbers,
/// token_seq where one has a space, else token.
class ItemFeatures {
 public:
  /// Rows of the feature table; 0 where no column was named.
  std::int64_t values() const { return static_cast<std::int64_t>(names_.size()); }

  /// "genres=Comedy" for a category, "release_year" or "place[1]" for a number. Column by column;
  /// categories in byte order.
  const std::vector<std::string>& names() const { return names_; }

  /// Entries of a catalogue row, ascending in index; none for row 0.
  std::span<const FeatureValue> Of(ItemRow row) const {
    const auto at = static_cast<std::size_t>(row);
    return std::span(entries_).subspan(begin_[at], begin_[at + 1] - begin_[at]);
  }

 private:
  friend class FeatureBuilder;
  std::vector<std::string> names_;
  std::vector<std::size_t> begin_;  ///< [items + 2] first entry of each row
  std::vector<FeatureValue> entries_;
};

/// The features of `model.features`: names of catalogue columns, or "name:type" to say how to read
/// one.
/// Errors  kInvalidArgument: a column that the catalogue lacks (with those it has), named twice or
/// without any value; an unknown type; a text in a column of numbers.
Result<std::shared_ptr<const ItemFeatures>> MakeItemFeatures(
    const Catalogue& catalogue,
    const std::vector<std::string>& columns);

}  // namespace rondo
