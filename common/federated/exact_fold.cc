#include "common/federated/exact_fold.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace rondo {
namespace {

/// Rounds to the nearest integer, ties to even, without a library call.
inline double RoundToEven(double value) {
  constexpr double kMagic = 0x1.8p52;
  // From 2^51 on, a float times a weight below 2^28 has no fraction that could be rounded.
  return std::abs(value) < 0x1p51 ? (value + kMagic) - kMagic : value;
}

}  // namespace

std::uint64_t FoldExact(std::span<std::int64_t> sums,
                        std::span<const float> values,
                        double scale,
                        double most) {
  std::uint64_t saturated = 0;
  std::int64_t* sum = sums.data();
  for (const float value : values) {
    const double scaled = static_cast<double>(value) * scale;
    saturated += static_cast<std::uint64_t>(std::abs(scaled) > most);
    const double clamped = std::min(std::max(scaled, -most), most);
    const auto rounded = static_cast<std::int64_t>(RoundToEven(clamped));
    *sum = static_cast<std::int64_t>(static_cast<std::uint64_t>(*sum)
                                     + static_cast<std::uint64_t>(rounded));
    ++sum;
  }
  return saturated;
}

double SquaredSum(std::span<const float> values) {
  constexpr std::size_t kLanes = 8;
  std::array<double, kLanes> sums{};
  const std::size_t whole = values.size() / kLanes * kLanes;
  for (std::size_t start = 0; start < whole; start += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const double value = values[start + lane];
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

double ClipFactor(double norm, double clip_norm) {
  if (clip_norm <= 0.0 || !std::isfinite(norm) || norm <= clip_norm) {
    return 1.0;
  }
  // A hair less than the bound: rounding to float must not carry the norm above it.
  return clip_norm / norm * (1.0 - 0x1p-22);
}

}  // namespace rondo
