#include "common/federated/vector_math.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "common/core/clones.h"

namespace rondo {
namespace {

constexpr double kMagic = 0x1.8p52;    ///< adding it rounds to an integer, ties to even
constexpr double kRoundable = 0x1p51;  ///< below, the magic number rounds right
constexpr std::int32_t kInfinity = 0x7f800000;

/// The magnitudes' largest bit pattern. Patterns are in order of magnitude; infinity and NaN are
/// above all numbers.
RONDO_CLONES std::int32_t LargestBits(const float* values, std::size_t size) {
  std::int32_t largest = 0;
  for (std::size_t i = 0; i < size; ++i) {
    largest = std::max(largest, std::bit_cast<std::int32_t>(values[i]) & 0x7fffffff);
  }
  return largest;
}

/// For products below kRoundable: the low bits of the magic sum are the rounded integer.
RONDO_CLONES void AddRounded(std::int64_t* sums,
                             const float* values,
                             std::size_t size,
                             double scale) {
  constexpr auto kZero = std::bit_cast<std::uint64_t>(kMagic);
  for (std::size_t i = 0; i < size; ++i) {
    const double shifted = static_cast<double>(values[i]) * scale + kMagic;
    const std::uint64_t rounded = std::bit_cast<std::uint64_t>(shifted) - kZero;
    sums[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(sums[i]) + rounded);
  }
}

std::uint64_t AddClamped(std::int64_t* sums,
                         const float* values,
                         std::size_t size,
                         double scale,
                         double most) {
  std::uint64_t saturated = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const double scaled = static_cast<double>(values[i]) * scale;
    saturated += static_cast<std::uint64_t>(std::abs(scaled) > most);
    const double clamped = std::min(std::max(scaled, -most), most);
    // From 2^51 on, a float times a weight below 2^28 has no fraction that could be rounded.
    const double rounded = std::abs(clamped) < kRoundable ? (clamped + kMagic) - kMagic : clamped;
    sums[i] =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(sums[i])
                                  + static_cast<std::uint64_t>(static_cast<std::int64_t>(rounded)));
  }
  return saturated;
}

RONDO_CLONES bool AnyBeyond(const std::int64_t* values,
                            std::size_t size,
                            std::uint64_t mask,
                            std::uint64_t most) {
  std::uint64_t beyond = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const auto value = static_cast<std::uint64_t>(values[i]);
    beyond |= (value & ~mask) | static_cast<std::uint64_t>(((value + most) & mask) > 2 * most);
  }
  return beyond != 0;
}

constexpr std::size_t kLanes = 8;

RONDO_CLONES void AddSquares(std::array<double, kLanes>& sums,
                             const float* values,
                             std::size_t whole) {
  std::array<double, kLanes> running = sums;
  for (std::size_t start = 0; start < whole; start += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const double value = values[start + lane];
      running[lane] += value * value;
    }
  }
  sums = running;
}

RONDO_CLONES void Means(const std::int64_t* values,
                        std::size_t size,
                        std::int64_t modulus,
                        double step,
                        double divisor,
                        float* mean) {
  const std::int64_t half = modulus != 0 ? modulus / 2 : std::numeric_limits<std::int64_t>::max();
  for (std::size_t i = 0; i < size; ++i) {
    const std::int64_t value = values[i] - (values[i] >= half ? modulus : 0);
    mean[i] = static_cast<float>(static_cast<double>(value) * step / divisor);
  }
}

RONDO_CLONES void ScaleAll(float* values, std::size_t size, double factor) {
  for (std::size_t i = 0; i < size; ++i) {
    values[i] = static_cast<float>(static_cast<double>(values[i]) * factor);
  }
}

RONDO_CLONES void AddScaledTo(float* sums, const float* values, std::size_t size, double factor) {
  for (std::size_t i = 0; i < size; ++i) {
    sums[i] =
        static_cast<float>(static_cast<double>(sums[i]) + factor * static_cast<double>(values[i]));
  }
}

}  // namespace

bool AllFinite(std::span<const float> values) {
  return LargestBits(values.data(), values.size()) < kInfinity;
}

std::uint64_t FoldExact(std::span<std::int64_t> sums,
                        std::span<const float> values,
                        double scale,
                        double most) {
  const auto largest = std::bit_cast<float>(LargestBits(values.data(), values.size()));
  // Written so that NaN takes the careful loop.
  if (static_cast<double>(largest) * scale < std::min(most, kRoundable)) {
    AddRounded(sums.data(), values.data(), values.size(), scale);
    return 0;
  }
  return AddClamped(sums.data(), values.data(), values.size(), scale, most);
}

void MeanOfGrid(std::span<const std::int64_t> values,
                std::int64_t modulus,
                double step,
                double divisor,
                std::span<float> mean) {
  Means(values.data(), values.size(), modulus, step, divisor, mean.data());
}

void Scale(std::span<float> values, double factor) {
  ScaleAll(values.data(), values.size(), factor);
}

void AddScaled(std::span<float> sums, std::span<const float> values, double factor) {
  AddScaledTo(sums.data(), values.data(), sums.size(), factor);
}

bool WithinLimit(std::span<const std::int64_t> values, std::uint64_t mask, std::uint64_t most) {
  return !AnyBeyond(values.data(), values.size(), mask, most);
}

double SquaredSum(std::span<const float> values) {
  std::array<double, kLanes> sums{};
  const std::size_t whole = values.size() / kLanes * kLanes;
  AddSquares(sums, values.data(), whole);
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
