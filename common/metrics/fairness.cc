#include "common/metrics/fairness.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace rondo {
namespace {

std::vector<double> Sorted(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

}  // namespace

double WorstDecile(std::span<const double> values) {
  if (values.empty()) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const std::vector<double> sorted = Sorted(values);
  const std::size_t tenth = (sorted.size() + 9) / 10;
  const auto end = sorted.begin() + static_cast<std::ptrdiff_t>(tenth);
  return std::accumulate(sorted.begin(), end, 0.0) / static_cast<double>(tenth);
}

double GiniOf(std::span<const double> values) {
  if (values.empty()) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const std::vector<double> sorted = Sorted(values);
  const auto n = static_cast<double>(sorted.size());
  double sum = 0.0;
  double weighted = 0.0;  // sum of (2 i - n - 1) x(i), i counted from 1
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    sum += sorted[i];
    weighted += (2.0 * static_cast<double>(i + 1) - n - 1.0) * sorted[i];
  }
  return sum > 0.0 ? weighted / (n * sum) : 0.0;
}

}  // namespace rondo
