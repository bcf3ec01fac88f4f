#pragma once

#include <memory>

#include "coordinator/strategy.h"

namespace rondo::coordinator {

/// The weighted mean of all updates, from their exact sum.
/// Source  McMahan et al. 2017, algorithm 1.
std::unique_ptr<Aggregator> NewMeanAggregator();

}  // namespace rondo::coordinator
