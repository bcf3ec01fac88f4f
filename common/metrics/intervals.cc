#include "common/metrics/intervals.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/core/rng.h"

namespace rondo {
namespace {

// What is drawn as a whole: a user (size 1), or an institution.
struct Unit {
  double sum = 0.0;
  double size = 0.0;
};

// Linear interpolation between order statistics, as numpy.percentile does by default.
double Quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - std::floor(place)) * (sorted[above] - sorted[below]);
}

Result<Interval> Bootstrap(std::span<const Unit> units, const BootstrapOptions& options) {
  if (units.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "bootstrap: there are no users to draw from");
  }
  if (options.resamples < 1 || !(options.level > 0.0 && options.level < 1.0)) {
    return Fail(ErrorCode::kInvalidArgument,
                "bootstrap: needs resamples >= 1 and a level between 0 and 1");
  }
  Unit all;
  for (const Unit& unit : units) {
    all.sum += unit.sum;
    all.size += unit.size;
  }
  Rng rng({.seed = options.seed, .purpose = Purpose::kBootstrap});
  std::vector<double> means;
  means.reserve(static_cast<std::size_t>(options.resamples));
  for (int resample = 0; resample < options.resamples; ++resample) {
    Unit drawn;
    for (std::size_t i = 0; i < units.size(); ++i) {
      const Unit& unit = units[rng.Below(units.size())];
      drawn.sum += unit.sum;
      drawn.size += unit.size;
    }
    means.push_back(drawn.sum / drawn.size);
  }
  std::sort(means.begin(), means.end());
  const double tail = (1.0 - options.level) / 2.0;
  return Interval{.mean = all.sum / all.size,
                  .low = Quantile(means, tail),
                  .high = Quantile(means, 1.0 - tail)};
}

std::vector<Unit> OneAUser(std::span<const double> values) {
  std::vector<Unit> units;
  units.reserve(values.size());
  for (const double value : values) {
    units.push_back({.sum = value, .size = 1.0});
  }
  return units;
}

Result<std::vector<Unit>> OneACluster(std::span<const double> values,
                                      std::span<const std::uint32_t> clusters) {
  if (values.size() != clusters.size()) {
    return Fail(ErrorCode::kInvalidArgument,
                "bootstrap: " + std::to_string(clusters.size()) + " institutions for "
                    + std::to_string(values.size()) + " users");
  }
  std::vector<Unit> units;
  std::unordered_map<std::uint32_t, std::size_t>
      unit_of;  // units stay in order of first appearance
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto [found, is_new] = unit_of.emplace(clusters[i], units.size());
    if (is_new) {
      units.emplace_back();
    }
    units[found->second].sum += values[i];
    units[found->second].size += 1.0;
  }
  return units;
}

Result<std::vector<double>> Difference(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) {
    return Fail(ErrorCode::kInvalidArgument,
                "bootstrap: a paired difference needs the same users on both sides, not "
                    + std::to_string(a.size()) + " and " + std::to_string(b.size()));
  }
  std::vector<double> difference(a.size());
  std::transform(
      a.begin(), a.end(), b.begin(), difference.begin(), [](double x, double y) { return x - y; });
  return difference;
}

}  // namespace

Result<Interval> BootstrapMean(std::span<const double> values, const BootstrapOptions& options) {
  return Bootstrap(OneAUser(values), options);
}

Result<Interval> BootstrapDifference(std::span<const double> a,
                                     std::span<const double> b,
                                     const BootstrapOptions& options) {
  RONDO_TRY(const std::vector<double> difference, Difference(a, b));
  return BootstrapMean(difference, options);
}

Result<Interval> ClusterBootstrapMean(std::span<const double> values,
                                      std::span<const std::uint32_t> clusters,
                                      const BootstrapOptions& options) {
  RONDO_TRY(const std::vector<Unit> units, OneACluster(values, clusters));
  return Bootstrap(units, options);
}

Result<Interval> ClusterBootstrapDifference(std::span<const double> a,
                                            std::span<const double> b,
                                            std::span<const std::uint32_t> clusters,
                                            const BootstrapOptions& options) {
  RONDO_TRY(const std::vector<double> difference, Difference(a, b));
  return ClusterBootstrapMean(difference, clusters, options);
}

}  // namespace rondo
