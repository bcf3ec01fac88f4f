#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/result.h"
#include "common/data/dataset.h"
#include "common/federated/task.h"
#include "common/metrics/exposure.h"
#include "common/metrics/scorer.h"

namespace rondo {

/// How a model is scored. Protocols: "full" ranks the whole catalogue; "sampled:N" is the exact
/// expectation over N uniform negatives that the user has in no split.
struct EvaluationOptions {
  std::vector<std::string> protocols = {"full", "sampled:99"};
  std::vector<int> k = {5, 10};
  bool filter_seen = true;       ///< "full" leaves out items met before; the target never
  std::size_t batch = 256;       ///< histories scored at a time; fewer where the catalogue is large
  Exposure* exposure = nullptr;  ///< filled with the first places of every list, if given
};

/// The metrics of one user: the mean over the user's targets.
struct UserMetrics {
  std::uint32_t user = 0;  ///< index in Dataset::users
  std::uint32_t targets = 0;
  std::uint64_t nans = 0;      ///< NaN scores met
  std::vector<double> values;  ///< parallel to MetricNames(options)
};

/// Names in order of protocol, k and metric: "full/hr@5", ..., "sampled99/map@10".
/// Errors  kInvalidArgument for an unknown protocol, or a k below 1.
Result<std::vector<std::string>> MetricNames(const EvaluationOptions& options);

/// Ranks the held-out targets of `users`: each is predicted from all earlier input events of its
/// user, held-out ones among them, so that at test time the history includes the validation events.
/// Users without a target are left out.
///
/// `test` is parallel to Dataset::users. It is needed for Split::kTest and must be null for
/// Split::kValidation, where test rows stay sealed (there "sampled" leaves out visible rows only).
/// Errors  kInvalidArgument for wrong options, a user that does not exist, or a misplaced `test`;
/// those of the scorer.
Result<std::vector<UserMetrics>> EvaluateUsers(Scorer& scorer,
                                               const Dataset& dataset,
                                               std::span<const std::uint32_t> users,
                                               Split split,
                                               const std::vector<TestRows>* test,
                                               const EvaluationOptions& options);

/// 0, 1, ... : all users of a data set.
std::vector<std::uint32_t> AllUsers(const Dataset& dataset);

/// Means with their names.
struct MetricTable {
  std::vector<std::string> names;
  std::vector<double> means;
  std::uint64_t users = 0;
  std::uint64_t nans = 0;

  std::optional<double> Find(std::string_view name) const;
};

/// The mean over users: the primary number.
MetricTable MeanOverUsers(std::vector<std::string> names, std::span<const UserMetrics> users);

/// The mean over institutions of the mean over their users; institutions without a scored user are
/// left out.
MetricTable MeanOverInstitutions(std::vector<std::string> names,
                                 std::span<const UserMetrics> users,
                                 std::span<const ClientShard> institutions);

/// One metric of every user, for intervals.
/// Errors  kNotFound if `names` lacks it.
Result<std::vector<double>> Column(std::span<const std::string> names,
                                   std::span<const UserMetrics> users,
                                   std::string_view name);

}  // namespace rondo
