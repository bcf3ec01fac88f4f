#pragma once

#include <optional>
#include <span>

#include "common/core/result.h"
#include "common/core/rng.h"
#include "common/federated/task.h"
#include "common/federated/update_sum.h"
#include "common/metrics/evaluate.h"

namespace rondo {

/// Fewer users than this give no number: a mean over them says too much about each.
inline constexpr std::uint64_t kFewestUsers = 20;

/// What an evaluation task asks for, as options.
EvaluationOptions OptionsOfTask(const EvaluateTask& task);

/// The layout of the metrics block: one number a metric name, then "users" and "nans". A function
/// of the task alone. Errors  those of MetricNames.
Result<std::shared_ptr<const ParameterLayout>> MetricsLayout(const EvaluateTask& task);

/// A client's metrics as a sum over its users, on the task's grid, in one block kMetricsBlock. The
/// sum carries no weight; `users` may be empty. On the exact grid the result does not depend on how
/// users are split into clients. `rng` is needed on the ring only. Errors  those of MetricNames and
/// FoldDense.
Result<UpdateSum> SumMetrics(std::span<const UserMetrics> users,
                             const EvaluateTask& task,
                             Rng* rng = nullptr);

/// The means over all users of a sum; nothing for fewer than kFewestUsers.
/// Errors  kInvalidArgument if the sum holds no metrics block, or its layout has no "users".
Result<std::optional<MetricTable>> MetricMeans(const UpdateSum& sum);

}  // namespace rondo
