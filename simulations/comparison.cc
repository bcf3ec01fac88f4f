#include "simulations/comparison.h"

#include <algorithm>
#include <cstdio>

#include "common/metrics/baselines/baseline.h"
#include "simulations/evaluation.h"

namespace rondo::sim {
namespace {

constexpr const char* kModelName = "federated model";

int LargestK(const Scenario& scenario) {
  return *std::max_element(scenario.evaluation.k.begin(), scenario.evaluation.k.end());
}

EvaluationOptions OptionsOf(const Scenario& scenario, Exposure& exposure) {
  return {.protocols = scenario.evaluation.protocols,
          .k = scenario.evaluation.k,
          .filter_seen = scenario.evaluation.filter_seen,
          .exposure = &exposure};
}

Method MakeMethod(std::string name,
                  std::vector<std::string> names,
                  std::vector<UserMetrics> users,
                  const Exposure& exposure,
                  const Dataset& dataset) {
  Method method{.name = std::move(name), .users = std::move(users)};
  method.means = MeanOverUsers(std::move(names), method.users);
  method.coverage = exposure.Coverage();
  method.gini = exposure.Gini();
  method.novelty = exposure.Novelty(UsersPerItem(dataset), dataset.users.size());
  return method;
}

std::string Percent95(const Interval& interval) {
  char text[64];
  std::snprintf(
      text, sizeof(text), "%.4f [%.4f, %.4f]", interval.mean, interval.low, interval.high);
  return text;
}

std::string Fixed(const std::optional<double>& value) {
  if (!value) {
    return "-";
  }
  char text[32];
  std::snprintf(text, sizeof(text), "%.4f", *value);
  return text;
}

/// The institution of each scored user; empty where one user is one client.
std::vector<std::uint32_t> ClustersOf(const std::vector<UserMetrics>& users,
                                      const Experiment& experiment) {
  if (experiment.scenario.data.clients == "user") {
    return {};
  }
  std::vector<std::uint32_t> client_of(experiment.data.dataset.users.size(), 0);
  for (std::uint32_t client = 0; client < experiment.shards.size(); ++client) {
    for (const std::uint32_t user : experiment.shards[client].users) {
      client_of[user] = client;
    }
  }
  std::vector<std::uint32_t> clusters;
  for (const UserMetrics& user : users) {
    clusters.push_back(client_of[user.user]);
  }
  return clusters;
}

std::string Verdict(const Interval& model_minus_method) {
  if (model_minus_method.low > 0.0) {
    return "model better";
  }
  return model_minus_method.high < 0.0 ? "model worse" : "within noise";
}

}  // namespace

Result<Comparison> CompareOnTest(Experiment& experiment, const ParameterVector& model) {
  const Scenario& scenario = experiment.scenario;
  const Dataset& dataset = experiment.data.dataset;
  const std::vector<TestRows>& test = experiment.data.test.Open();
  const std::vector<std::uint32_t> users = AllUsers(dataset);
  const std::int64_t items = dataset.catalogue->items();

  Comparison comparison;
  Exposure exposure(items, LargestK(scenario));
  const EvaluationOptions options = OptionsOf(scenario, exposure);
  RONDO_TRY(comparison.names, MetricNames(options));
  RONDO_TRY(std::vector<UserMetrics> scored,
            EvaluateModel(experiment.model, model, dataset, users, Split::kTest, &test, options));
  comparison.methods.push_back(
      MakeMethod(kModelName, comparison.names, std::move(scored), exposure, dataset));
  for (const std::string& name : scenario.evaluation.baselines) {
    Exposure shown(items, LargestK(scenario));
    RONDO_TRY(const std::unique_ptr<Scorer> baseline, MakeBaseline(name, dataset, scenario.seed));
    RONDO_TRY(
        scored,
        EvaluateUsers(*baseline, dataset, users, Split::kTest, &test, OptionsOf(scenario, shown)));
    comparison.methods.push_back(
        MakeMethod(name, comparison.names, std::move(scored), shown, dataset));
  }
  return comparison;
}

std::vector<std::string> ComparisonHeader() {
  return {"method",
          "NDCG@10 [95 % interval]",
          "HR@10 [95 % interval]",
          "sampled-99 NDCG@10",
          "sampled-99 HR@10",
          "coverage",
          "NDCG@10 of the model"};
}

Result<std::vector<ComparisonRow>> ComparisonRows(const Comparison& comparison,
                                                  const Experiment& experiment) {
  const BootstrapOptions options{.seed = experiment.scenario.seed};
  std::vector<ComparisonRow> rows;
  for (const Method& method : comparison.methods) {
    const Method& model = comparison.methods.front();
    ComparisonRow& row =
        rows.emplace_back(ComparisonRow{.method = method.name, .cells = {method.name}});
    const std::vector<std::uint32_t> clusters = ClustersOf(method.users, experiment);
    for (const char* metric : {"full/ndcg@10", "full/hr@10"}) {
      if (!method.means.Find(metric)) {
        row.cells.emplace_back("-");
        continue;
      }
      RONDO_TRY(const std::vector<double> values, Column(comparison.names, method.users, metric));
      RONDO_TRY(const Interval interval,
                clusters.empty() ? BootstrapMean(values, options)
                                 : ClusterBootstrapMean(values, clusters, options));
      row.cells.push_back(Percent95(interval));
    }
    row.cells.push_back(Fixed(method.means.Find("sampled99/ndcg@10")));
    row.cells.push_back(Fixed(method.means.Find("sampled99/hr@10")));
    row.cells.push_back(Fixed(method.coverage));
    row.cells.emplace_back("");
    if (&method != &model && method.means.Find("full/ndcg@10")) {
      RONDO_TRY(const std::vector<double> a, Column(comparison.names, model.users, "full/ndcg@10"));
      RONDO_TRY(const std::vector<double> b,
                Column(comparison.names, method.users, "full/ndcg@10"));
      RONDO_TRY(const Interval difference,
                clusters.empty() ? BootstrapDifference(a, b, options)
                                 : ClusterBootstrapDifference(a, b, clusters, options));
      row.verdict = Verdict(difference);
      row.cells.back() = row.verdict;
    }
  }
  return rows;
}

boost::json::object MetricsJson(const Method& method) {
  boost::json::object json;
  for (std::size_t i = 0; i < method.means.names.size(); ++i) {
    const std::string& name = method.means.names[i];
    const std::size_t slash = name.find('/');
    const std::string protocol = name.substr(0, slash);
    if (!json.contains(protocol)) {
      json[protocol] = boost::json::object{{"users", method.means.users}};
    }
    json[protocol].as_object()[name.substr(slash + 1)] = method.means.means[i];
  }
  if (auto* full = json.if_contains("full")) {
    full->as_object()["coverage"] = method.coverage;
    full->as_object()["gini"] = method.gini;
    full->as_object()["novelty"] = method.novelty;
  }
  return json;
}

}  // namespace rondo::sim
