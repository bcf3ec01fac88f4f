#pragma once

#include <memory>

#include "coordinator/objectives/objective.h"

namespace rondo::coordinator {

/// The server's half of FedDyn. With H = -h / alpha of the source: H moves by the mean delta times
/// the share of all clients that contributed, and the model moves by the mean delta plus H. The
/// client's half stands in common/federated/dynamic.h.
/// Source  Acar et al. 2021, algorithm 1, with the aggregator's mean for the source's plain one.
std::unique_ptr<Objective> NewDynamic(const StrategyConfig& config);

}  // namespace rondo::coordinator
