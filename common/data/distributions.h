#pragma once

#include <vector>

#include "common/core/rng.h"

namespace rondo {

/// One draw of a symmetric Dirichlet distribution; the shares add up to 1. alpha > 0, size > 0.
std::vector<double> DrawDirichlet(double alpha, std::size_t size, Rng& rng);

/// Index drawn in proportion to `shares`, which add up to `total`.
std::size_t DrawIndex(const std::vector<double>& shares, double total, Rng& rng);

}  // namespace rondo
