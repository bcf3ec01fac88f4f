#include "common/model/row_set.h"

#include <bit>

namespace rondo {

RowSet::RowSet(std::int64_t items)
    : bits_(static_cast<std::size_t>(items) / 64 + 1),
      before_(bits_.size()) {
  bits_[0] = 1;
}

void RowSet::Insert(std::span<const ItemRow> rows) {
  for (const ItemRow row : rows) {
    const auto at = static_cast<std::size_t>(row);
    bits_[at / 64] |= std::uint64_t{1} << (at % 64);
  }
}

void RowSet::Seal() {
  rows_.clear();
  for (std::size_t word = 0; word < bits_.size(); ++word) {
    before_[word] = static_cast<std::int32_t>(rows_.size());
    for (std::uint64_t left = bits_[word]; left != 0; left &= left - 1) {
      const auto bit = static_cast<std::size_t>(std::countr_zero(left));
      rows_.push_back(static_cast<ItemRow>(word * 64 + bit));
    }
  }
}

std::int64_t RowSet::Place(ItemRow row) const {
  const auto at = static_cast<std::size_t>(row);
  const std::uint64_t below = bits_[at / 64] & ((std::uint64_t{1} << (at % 64)) - 1);
  return before_[at / 64] + std::popcount(below);
}

}  // namespace rondo
