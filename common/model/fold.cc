#include "common/model/fold.h"

#include <algorithm>
#include <cmath>

#include "common/federated/vector_math.h"

namespace rondo {

double ClipSegments(std::span<const UpdateSegment> update, double clip_norm) {
  double squares = 0.0;
  for (const UpdateSegment& segment : update) {
    squares += SquaredSum(segment.values);
  }
  const double norm = std::sqrt(squares);
  const double factor = ClipFactor(norm, clip_norm);
  if (factor < 1.0) {
    for (const UpdateSegment& segment : update) {
      Scale(segment.values, factor);
    }
  }
  return norm;
}

std::uint64_t FoldSegments(GridBlock& block,
                           std::span<const UpdateSegment> update,
                           std::uint64_t weight) {
  const double scale = static_cast<double>(weight) / block.grid.step;
  const double most = std::floor(block.grid.limit / block.grid.step);
  std::uint64_t saturated = 0;
  for (const UpdateSegment& segment : update) {
    const auto sums = std::span(block.values).subspan(segment.offset, segment.values.size());
    saturated += FoldExact(sums, segment.values, scale, most);
  }
  return saturated;
}

std::vector<float> ToDense(std::span<const UpdateSegment> update, std::size_t size) {
  std::vector<float> dense(size, 0.0F);
  for (const UpdateSegment& segment : update) {
    std::copy(segment.values.begin(),
              segment.values.end(),
              dense.begin() + static_cast<std::ptrdiff_t>(segment.offset));
  }
  return dense;
}

}  // namespace rondo
