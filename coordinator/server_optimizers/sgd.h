#pragma once

#include <memory>

#include "coordinator/strategy.h"

namespace rondo::coordinator {

/// model += learning_rate * v, where v = momentum * v + delta (v = delta without momentum).
/// Source  Hsu et al. 2019, FedAvgM.
std::unique_ptr<ServerOptimizer> NewSgdOptimizer(const StrategyConfig& config);

}  // namespace rondo::coordinator
