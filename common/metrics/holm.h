#pragma once

#include <span>
#include <vector>

#include "common/core/result.h"

namespace rondo {

/// p-values of a family of tests, adjusted so that rejecting what is below alpha makes a false
/// rejection among all of them happen with probability alpha at most, however they depend.
///
/// Shapes  p [tests], the result in the same order.
/// Source  Holm 1979, "A simple sequentially rejective multiple test procedure": with p sorted
/// upwards, adjusted(i) = max over j <= i of min(1, (m - j + 1) p(j)).
/// Errors  kInvalidArgument for a p outside [0, 1].
Result<std::vector<double>> HolmAdjust(std::span<const double> p);

}  // namespace rondo
