#include "common/model/fold.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace rondo {
namespace {

/// Rounds to the nearest integer, ties to even, without a library call. Doubles from 2^51 on that
/// arise here are whole already.
double RoundToEven(double value) {
  constexpr double kMagic = 0x1.8p52;
  return std::abs(value) < 0x1p51 ? (value + kMagic) - kMagic : value;
}

double SquaredSum(std::span<const float> values) {
  constexpr std::size_t kLanes = 8;  // independent sums, so that the loop can be vectorised
  std::array<double, kLanes> sums{};
  const std::size_t whole = values.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const double value = values[i + lane];
      sums[lane] += value * value;
    }
  }
  for (std::size_t i = whole; i < values.size(); ++i) {
    const double value = values[i];
    sums[i - whole] += value * value;
  }
  double total = 0.0;
  for (const double sum : sums) {
    total += sum;
  }
  return total;
}

}  // namespace

double ClipSegments(std::span<const UpdateSegment> update, double clip_norm) {
  double squares = 0.0;
  for (const UpdateSegment& segment : update) {
    squares += SquaredSum(segment.values);
  }
  const double norm = std::sqrt(squares);
  if (clip_norm > 0.0 && norm > clip_norm && std::isfinite(norm)) {
    // A hair less than the bound: rounding to float must not carry the norm above it.
    const double factor = clip_norm / norm * (1.0 - 0x1p-22);
    for (const UpdateSegment& segment : update) {
      for (float& value : segment.values) {
        value = static_cast<float>(value * factor);
      }
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
    std::int64_t* sum = block.values.data() + segment.offset;
    for (const float value : segment.values) {
      const double scaled = static_cast<double>(value) * scale;
      saturated += static_cast<std::uint64_t>(std::abs(scaled) > most);
      const double clamped = std::min(std::max(scaled, -most), most);
      *sum = static_cast<std::int64_t>(
          static_cast<std::uint64_t>(*sum)
          + static_cast<std::uint64_t>(static_cast<std::int64_t>(RoundToEven(clamped))));
      ++sum;
    }
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
