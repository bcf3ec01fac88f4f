#pragma once

#include <memory>

#include "coordinator/strategy.h"

namespace rondo::coordinator {

/// Normalised averaging: clients sent deltas divided by their number of local steps; what `next`
/// makes of these is multiplied by the weighted mean of the steps. Clients that take more steps
/// than others then pull no harder.
/// Source  Wang et al. 2020 (FedNova), equation 8 with a_i = 1 for each of tau_i SGD steps.
std::unique_ptr<Aggregator> NewNormalised(std::unique_ptr<Aggregator> next);

}  // namespace rondo::coordinator
