#pragma once

#include <string>
#include <vector>

#include <boost/json.hpp>

#include "common/data/dataset.h"
#include "common/metrics/evaluate.h"
#include "common/metrics/exposure.h"
#include "common/metrics/intervals.h"
#include "common/model/trainer.h"
#include "simulations/experiment.h"

namespace rondo::sim {

/// What one method scored on the test split, user by user.
struct Method {
  std::string name;
  std::vector<UserMetrics> users;
  MetricTable means;
  double coverage = 0.0;  ///< of the catalogue by the first places of all lists
  double gini = 0.0;      ///< of the exposure
  double novelty = 0.0;   ///< bits
};

/// The federated model and its baselines on the same users, targets and filters; the model comes
/// first.
struct Comparison {
  std::vector<std::string> names;  ///< of the metrics, as MetricNames gives them
  std::vector<Method> methods;
};

/// Opens the test split, and scores the selected model and the configured baselines on it.
Result<Comparison> CompareOnTest(Experiment& experiment, const ParameterVector& model);

/// One row a method: metric means with 95 % intervals over users, and whether the paired difference
/// to the model is within noise.
struct ComparisonRow {
  std::string method;
  std::vector<std::string> cells;  ///< parallel to ComparisonHeader
  std::string verdict;
};

std::vector<std::string> ComparisonHeader();
Result<std::vector<ComparisonRow>> ComparisonRows(const Comparison& comparison,
                                                  const Experiment& experiment);

/// {"full": {"users", "ndcg@10", ...}, "sampled99": {...}}
boost::json::object MetricsJson(const Method& method);

}  // namespace rondo::sim
