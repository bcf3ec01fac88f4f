#include <algorithm>
#include <cmath>

#include "common/federated/update_sum.h"
#include "common/federated/vector_math.h"

namespace rondo {

double ClipToNorm(std::span<float> values, double clip_norm) {
  const double norm = std::sqrt(SquaredSum(values));
  const double factor = ClipFactor(norm, clip_norm);
  if (factor < 1.0) {
    Scale(values, factor);
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
