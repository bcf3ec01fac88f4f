#pragma once

#include <span>
#include <stop_token>
#include <vector>

#include "common/data/dataset.h"
#include "common/metrics/evaluate.h"
#include "common/model/trainer.h"

namespace rondo::sim {

struct ModelEvaluation {
  const CohortTrainer::Options& options;
  const ParameterVector& model;
  const Dataset& dataset;
  std::span<const std::uint32_t> users;
  Split split = Split::kValidation;
  const std::vector<TestRows>* test = nullptr;  ///< as in EvaluateUsers
  EvaluationOptions evaluation;
  std::stop_token stop;
  Ranks* ranks =
      nullptr;  ///< who score a share each of equal questions, without exposure; null: nobody else
};

/// Scores users with the attention model on `options.engine.threads` threads, each with its own
/// scorer. The result comes in the order of `users` and does not depend on threads or ranks; it is
/// empty on ranks that are not the first.
/// Errors  those of EvaluateUsers; kCancelled.
Result<std::vector<UserMetrics>> EvaluateModel(const ModelEvaluation& what);

}  // namespace rondo::sim
