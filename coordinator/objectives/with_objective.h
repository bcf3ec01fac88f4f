#pragma once

#include <memory>

#include "coordinator/objectives/objective.h"

namespace rondo::coordinator {

/// A server optimiser whose every step commits the state of an objective, and which keeps both
/// states. `objective` outlives it.
std::unique_ptr<ServerOptimizer> NewWithObjective(std::unique_ptr<ServerOptimizer> optimizer,
                                                  Objective& objective);

}  // namespace rondo::coordinator
