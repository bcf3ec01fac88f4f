#pragma once

#include <memory>

#include "coordinator/strategy.h"

/// Server optimisers that divide each weight's step by the size of its past deltas.
/// Source  Reddi et al. 2021, "Adaptive federated optimization", algorithm 2.
namespace rondo::coordinator {

/// Adam with the bias correction of Kingma and Ba 2015, which the source leaves out.
std::unique_ptr<ServerOptimizer> NewAdamOptimizer(const StrategyConfig& config);

/// As the source has it: no bias correction, second moments begin at epsilon squared.
std::unique_ptr<ServerOptimizer> NewYogiOptimizer(const StrategyConfig& config);
std::unique_ptr<ServerOptimizer> NewAdagradOptimizer(const StrategyConfig& config);

}  // namespace rondo::coordinator
