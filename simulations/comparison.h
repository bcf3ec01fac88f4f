#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "common/data/dataset.h"
#include "common/io/result_table.h"
#include "common/metrics/evaluate.h"
#include "common/metrics/exposure.h"
#include "common/metrics/intervals.h"
#include "common/model/trainer.h"
#include "simulations/client_models.h"
#include "simulations/experiment.h"

namespace rondo::sim {

/// What one method scored on the test split, user by user.
struct Method {
  std::string name;
  std::vector<UserMetrics> users;
  MetricTable means;
  MetricTable institutions;  ///< means over institutions; empty where one user is one client
  std::uint64_t nans = 0;    ///< NaN scores met
  double coverage = 0.0;     ///< of the catalogue by the first places of all lists
  double gini = 0.0;         ///< of the exposure
  double novelty = 0.0;      ///< bits
};

/// What an attack came to.
struct AttackReport {
  std::string name;
  std::size_t hostile = 0;                       ///< clients
  std::string target;                            ///< id of the item that promotion is measured by
  std::vector<std::pair<int, double>> exposure;  ///< k and ER@k of the target
};

/// {"name", "hostile", "target", "er@5", "er@10"}
boost::json::object AttackJson(const AttackReport& report);

/// A trained model (federated, central or each client's own) and its baselines on the same users,
/// targets and filters; the model comes first.
struct Comparison {
  std::vector<std::string> names;  ///< of the metrics, as MetricNames gives them
  std::vector<Method> methods;
  std::optional<AttackReport> attack;
  std::size_t untuned = 0;  ///< clients whose fine-tuning failed; they are scored without it
};

/// Opens the test split, and scores the selected model, each client's own where they have any, and
/// the configured baselines on it. `store` is what clients keep; null: nothing.
/// Errors  those of scoring; kCancelled.
Result<Comparison> CompareOnTest(Experiment& experiment,
                                 const ParameterVector& model,
                                 ClientStore* store,
                                 const std::stop_token& stop);

/// What was trained, as it scores the users of `what`; what.model may not be its own.
using ScoreTrained = std::function<Result<ClientScores>(const ModelEvaluation& what)>;

/// The same of anything that was trained: `name` is its row in tables, `model` what users of no
/// client are scored by.
Result<Comparison> CompareOnTest(Experiment& experiment,
                                 const std::string& name,
                                 const ParameterVector& model,
                                 const ScoreTrained& score,
                                 const std::stop_token& stop);

/// Every method beside the model: means with 95 % bootstrap intervals over users (over whole
/// institutions where clients hold many users), and whether the paired difference to the model is
/// within noise.
Result<std::vector<ResultTable>> TestTables(const Comparison& comparison,
                                            const Experiment& experiment);

/// {"full": {"users", "ndcg@10", ...}, "sampled99": {...}}; each protocol also counts "nans", and
/// has the means over institutions under "institutions" where clients hold many users.
boost::json::object MetricsJson(const Method& method);

}  // namespace rondo::sim
