#pragma once

#include <cstdint>
#include <span>

#include "common/core/result.h"

namespace rondo {

struct Interval {
  double mean = 0.0;  ///< of the sample itself
  double low = 0.0;
  double high = 0.0;
};

struct BootstrapOptions {
  std::uint64_t seed = 1;
  int resamples = 1000;
  double level = 0.95;
};

/// Percentile bootstrap over users for a mean. Equal seeds draw equal users, so that intervals of
/// methods scored on the same users are paired. Errors  kInvalidArgument for no values, no
/// resamples, or a level outside (0, 1).
Result<Interval> BootstrapMean(std::span<const double> values, const BootstrapOptions& options);

/// The same for mean(a) - mean(b), user by user: a[i] and b[i] belong to one user. What lies on one
/// side of 0 is a difference beyond noise. Errors  also kInvalidArgument for unequal lengths.
Result<Interval> BootstrapDifference(std::span<const double> a,
                                     std::span<const double> b,
                                     const BootstrapOptions& options);

/// The same for the mean over users where users share institutions: whole institutions are drawn.
/// Shapes  clusters [values], the institution of each user: any numbers.
Result<Interval> ClusterBootstrapMean(std::span<const double> values,
                                      std::span<const std::uint32_t> clusters,
                                      const BootstrapOptions& options);

/// Cluster bootstrap for a paired difference.
Result<Interval> ClusterBootstrapDifference(std::span<const double> a,
                                            std::span<const double> b,
                                            std::span<const std::uint32_t> clusters,
                                            const BootstrapOptions& options);

}  // namespace rondo
