#pragma once

#include <memory>

#include "coordinator/objectives/objective.h"

namespace rondo::coordinator {

/// The server's half of FedDyn. With S = -m h / alpha of the source and its m clients: S moves by
/// the mean delta times the number of contributors, and the model by the mean delta plus S / m. The
/// client's half stands in common/federated/dynamic.h. Source  Acar et al. 2021, algorithm 1, with
/// the aggregator's mean for the source's plain one.
std::unique_ptr<Objective> NewDynamic();

}  // namespace rondo::coordinator
