#pragma once

#include <memory>

#include "coordinator/strategy.h"

namespace rondo::coordinator {

/// Brings what `next` reports, in the layout of compressed updates, back to the layout of the whole
/// model; parameters that clients do not share do not move.
std::unique_ptr<Aggregator> NewExpanded(TrainTask task,
                                        std::shared_ptr<const ParameterLayout> model,
                                        std::unique_ptr<Aggregator> next);

}  // namespace rondo::coordinator
