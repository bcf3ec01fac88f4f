#pragma once

#include <memory>

#include "coordinator/objectives/objective.h"

namespace rondo::coordinator {

/// The server's half of SCAFFOLD: the sum of all c_i moves by the contributors' changes, and c is
/// that sum divided by the number of all clients, so that it stays their mean when more join. The
/// client's half stands in common/federated/control_variates.h. Source  Karimireddy et al. 2020,
/// algorithm 1, lines 16 and 17.
std::unique_ptr<Objective> NewControlVariates();

}  // namespace rondo::coordinator
