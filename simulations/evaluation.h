#pragma once

#include <span>
#include <vector>

#include "common/data/dataset.h"
#include "common/metrics/evaluate.h"
#include "common/model/trainer.h"

namespace rondo::sim {

/// Scores users with the attention model on `options.engine.threads` threads, each with its own
/// scorer. `test` as in EvaluateUsers. The result comes in the order of `users` and does not depend
/// on threads.
Result<std::vector<UserMetrics>> EvaluateModel(const CohortTrainer::Options& options,
                                               const ParameterVector& model,
                                               const Dataset& dataset,
                                               std::span<const std::uint32_t> users,
                                               Split split,
                                               const std::vector<TestRows>* test,
                                               const EvaluationOptions& evaluation);

}  // namespace rondo::sim
