#include <algorithm>
#include <array>
#include <cmath>

#include "common/federated/update_sum.h"

namespace rondo {
namespace {

/// The L2 norm with a fixed order of additions: eight running sums, so that compilers may vectorise
/// it and every machine gets the same bits.
double Norm(std::span<const float> values) {
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
  return std::sqrt(total);
}

}  // namespace

double ClipToNorm(std::span<float> values, double clip_norm) {
  const double norm = Norm(values);
  if (clip_norm <= 0.0 || !std::isfinite(norm) || norm <= clip_norm) {
    return norm;
  }
  // A hair less than the bound: rounding to float must not carry the norm above it.
  const double factor = clip_norm / norm * (1.0 - 0x1p-22);
  for (float& value : values) {
    value = static_cast<float>(value * factor);
  }
  return norm;
}

std::uint64_t ClientWeight(const StrategyConfig& config, std::uint64_t positions) {
  if (config.weighting == "uniform") {
    return 1;
  }
  __extension__ using Wide = unsigned __int128;
  const std::uint64_t reference = std::max<std::uint64_t>(config.weight_reference, 1);
  const Wide doubled = Wide{2} * positions * config.max_weight + reference;
  const Wide rounded = doubled / (Wide{2} * reference);
  const std::uint64_t most = std::max<std::uint64_t>(config.max_weight, 1);
  return rounded > most ? most : std::max<std::uint64_t>(static_cast<std::uint64_t>(rounded), 1);
}

}  // namespace rondo
