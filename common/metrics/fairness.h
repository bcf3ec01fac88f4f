#pragma once

#include <span>

namespace rondo {

/// The mean of the lowest tenth of the values, at least one of them; NaN for none.
double WorstDecile(std::span<const double> values);

/// Gini coefficient of values >= 0: the mean absolute difference between two of them over twice the
/// mean. 0 all equal, towards 1 one has everything; 0 where all are 0; NaN for none.
double GiniOf(std::span<const double> values);

}  // namespace rondo
