#include "common/federated/update_sum.h"

#include <utility>

namespace rondo {
namespace {

Status CheckSameShape(const UpdateSum& left, const UpdateSum& right) {
  if (left.blocks.size() != right.blocks.size()) {
    return Fail(ErrorCode::kFailedPrecondition,
                "updates with " + std::to_string(left.blocks.size()) + " and "
                    + std::to_string(right.blocks.size()) + " blocks cannot be added");
  }
  for (std::size_t i = 0; i < left.blocks.size(); ++i) {
    const GridBlock& a = left.blocks[i];
    const GridBlock& b = right.blocks[i];
    if (a.name != b.name) {
      return Fail(ErrorCode::kFailedPrecondition,
                  "blocks \"" + a.name + "\" and \"" + b.name + "\" cannot be added");
    }
    if (a.layout->digest() != b.layout->digest() || a.values.size() != b.values.size()) {
      return Fail(ErrorCode::kFailedPrecondition,
                  "block \"" + a.name
                      + "\": layout digest differs: " + a.layout->digest().substr(0, 12) + " and "
                      + b.layout->digest().substr(0, 12));
    }
    if (a.grid != b.grid || a.scaling != b.scaling) {
      return Fail(ErrorCode::kFailedPrecondition,
                  "block \"" + a.name + "\": the grids of the updates differ");
    }
  }
  return Ok();
}

void AddValues(GridBlock& into, const GridBlock& from) {
  const std::uint64_t mask = into.grid.mask();
  std::int64_t* sums = into.values.data();
  const std::int64_t* values = from.values.data();
  const std::size_t size = into.values.size();
  for (std::size_t i = 0; i < size; ++i) {
    // Unsigned, since signed overflow is undefined even where the grid rules it out.
    sums[i] = static_cast<std::int64_t>(
        (static_cast<std::uint64_t>(sums[i]) + static_cast<std::uint64_t>(values[i])) & mask);
  }
}

}  // namespace

GridBlock* UpdateSum::Find(std::string_view name) {
  for (GridBlock& block : blocks) {
    if (block.name == name) {
      return &block;
    }
  }
  return nullptr;
}

const GridBlock* UpdateSum::Find(std::string_view name) const {
  for (const GridBlock& block : blocks) {
    if (block.name == name) {
      return &block;
    }
  }
  return nullptr;
}

Status UpdateSum::Add(const UpdateSum& other) {
  const auto is_identity = [](const UpdateSum& sum) {
    return sum.blocks.empty() && sum.contributors == 0;
  };
  if (is_identity(other)) {
    return Ok();
  }
  if (is_identity(*this)) {
    *this = other;
    return Ok();
  }
  RONDO_TRY_STATUS(CheckSameShape(*this, other));
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    AddValues(blocks[i], other.blocks[i]);
  }
  weight += other.weight;
  contributors += other.contributors;
  saturated += other.saturated;
  return Ok();
}

GridBlock MakeBlock(std::string name,
                    std::shared_ptr<const ParameterLayout> layout,
                    const GridSpec& grid,
                    Scaling scaling) {
  GridBlock block{.name = std::move(name),
                  .layout = std::move(layout),
                  .grid = grid,
                  .scaling = scaling,
                  .values = {}};
  block.values.assign(block.layout->size(), 0);
  return block;
}

}  // namespace rondo
