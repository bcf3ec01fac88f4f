#pragma once

#include <memory>

#include "coordinator/strategy.h"

namespace rondo::coordinator {

/// Adam with bias correction on the pseudo-gradient -delta.
///
/// The delta is what clients sent, not divided by their learning rate: but for epsilon, Adam does
/// not see the scale. Source  Reddi et al. 2021, FedAdam; bias correction as Kingma and Ba 2015.
std::unique_ptr<ServerOptimizer> NewAdamOptimizer(const StrategyConfig& config);

}  // namespace rondo::coordinator
