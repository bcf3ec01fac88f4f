#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/federated/update_sum.h"

namespace rondo {

/// A run of an update's coordinates; an update is a list of them, and zero elsewhere.
struct UpdateSegment {
  std::size_t offset = 0;  ///< in the layout
  std::span<float> values;
};

/// Scales the update to an L2 norm of at most `clip_norm` (0: never). Returns the norm before; not
/// finite if a coordinate is not.
double ClipSegments(std::span<const UpdateSegment> update, double clip_norm);

/// Adds the update times `weight` to a block of the exact grid, with the numbers of FoldDense.
/// Returns the number of saturated coordinates.
std::uint64_t FoldSegments(GridBlock& block,
                           std::span<const UpdateSegment> update,
                           std::uint64_t weight);

/// The update as a vector of `size` coordinates.
std::vector<float> ToDense(std::span<const UpdateSegment> update, std::size_t size);

}  // namespace rondo
