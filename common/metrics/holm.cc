#include "common/metrics/holm.h"

#include <algorithm>
#include <numeric>
#include <string>

namespace rondo {

Result<std::vector<double>> HolmAdjust(std::span<const double> p) {
  for (const double value : p) {
    if (!(value >= 0.0 && value <= 1.0)) {
      return Fail(ErrorCode::kInvalidArgument,
                  "Holm: " + std::to_string(value) + " is no p-value, expected 0 to 1");
    }
  }
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(
      order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double largest = 0.0;
  for (std::size_t place = 0; place < order.size(); ++place) {
    const auto left = static_cast<double>(order.size() - place);
    largest = std::max(largest, std::min(1.0, left * p[order[place]]));
    adjusted[order[place]] = largest;
  }
  return adjusted;
}

}  // namespace rondo
