#pragma once

#include <memory>

#include "coordinator/objectives/objective.h"

namespace rondo::coordinator {

/// The server's half of SCAFFOLD: c moves by the sum of the contributors' changes of c_i, divided
/// by the number of all clients. The client's half stands in common/federated/control_variates.h.
/// Source  Karimireddy et al. 2020, algorithm 1, lines 16 and 17.
std::unique_ptr<Objective> NewControlVariates(const StrategyConfig& config);

}  // namespace rondo::coordinator
