#pragma once

#include "common/core/result.h"
#include "common/federated/task.h"

namespace rondo {

/// What `scenario` asks of a client in a training round; `round` and `grid` are the caller's.
/// Errors  kInvalidArgument for an unknown objective, with a suggestion.
Result<TrainTask> TrainTaskOf(const Scenario& scenario);

}  // namespace rondo
