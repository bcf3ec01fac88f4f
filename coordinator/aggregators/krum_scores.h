#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "coordinator/aggregators/kernels.h"

namespace rondo::coordinator {

/// Krum's scores of the rows `among`: of each the sum of the squared distances to its
/// max(1, n - f - 2) nearest others of them, n their number; 0 for one alone.
std::vector<double> KrumScores(const DistanceTable& distances,
                               std::span<const std::size_t> among,
                               std::size_t f);

}  // namespace rondo::coordinator
