#include "simulations/comparison.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "common/io/text_table.h"
#include "common/metrics/baselines/baseline.h"
#include "common/metrics/exposure_rate.h"
#include "coordinator/round_loop.h"
#include "coordinator/run_page.h"
#include "simulations/client_models.h"

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
                  const std::vector<std::string>& names,
                  std::vector<UserMetrics> users,
                  const Exposure& exposure,
                  const Experiment& experiment) {
  const Dataset& dataset = experiment.data.dataset;
  Method method{.name = std::move(name), .users = std::move(users)};
  method.means = MeanOverUsers(names, method.users);
  if (experiment.scenario.data.clients != "user") {
    method.institutions = MeanOverInstitutions(names, method.users, experiment.shards);
  }
  for (const UserMetrics& user : method.users) {
    method.nans += user.nans;
  }
  method.coverage = exposure.Coverage();
  method.gini = exposure.Gini();
  method.novelty = exposure.Novelty(UsersPerItem(dataset), dataset.users.size());
  return method;
}

Result<AttackReport> ReportAttack(const Experiment& experiment, const ParameterVector& model) {
  const Dataset& dataset = experiment.data.dataset;
  const AttackLab& lab = *experiment.attack;
  const std::vector<int>& k = experiment.scenario.evaluation.k;
  RONDO_TRY(const std::unique_ptr<Scorer> scorer, MakeModelScorer(experiment.model, model));
  RONDO_TRY(
      const std::vector<double> rates,
      ExposureRates(*scorer, Histories(dataset), dataset.catalogue->items(), lab.target(), k));
  AttackReport report{.name = experiment.scenario.attack.name,
                      .hostile = lab.hostile().size(),
                      .target = dataset.catalogue->id(lab.target())};
  for (std::size_t i = 0; i < k.size(); ++i) {
    report.exposure.emplace_back(k[i], rates[i]);
  }
  return report;
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
  clusters.reserve(users.size());
  for (const UserMetrics& user : users) {
    clusters.push_back(client_of[user.user]);
  }
  return clusters;
}

Verdict VerdictOf(const Interval& method_minus_model) {
  if (method_minus_model.low > 0.0) {
    return Verdict::kBetter;
  }
  return method_minus_model.high < 0.0 ? Verdict::kWorse : Verdict::kWithinNoise;
}

/// Bootstraps over users, or over institutions where `clusters` names them.
class Intervals {
 public:
  Intervals(std::vector<std::uint32_t> clusters, std::uint64_t seed)
      : clusters_(std::move(clusters)),
        options_{.seed = seed} {}

  Result<Interval> Mean(std::span<const double> values) const {
    return clusters_.empty() ? BootstrapMean(values, options_)
                             : ClusterBootstrapMean(values, clusters_, options_);
  }

  Result<Interval> Difference(std::span<const double> a, std::span<const double> b) const {
    return clusters_.empty() ? BootstrapDifference(a, b, options_)
                             : ClusterBootstrapDifference(a, b, clusters_, options_);
  }

 private:
  std::vector<std::uint32_t> clusters_;
  BootstrapOptions options_;
};

Result<MetricCell> CellOf(const Comparison& comparison,
                          const Method& method,
                          const std::string& metric,
                          const Intervals& intervals) {
  const Method& model = comparison.methods.front();
  RONDO_TRY(const std::vector<double> values, Column(comparison.names, method.users, metric));
  RONDO_TRY(const Interval interval, intervals.Mean(values));
  MetricCell cell{.value = interval.mean, .low = interval.low, .high = interval.high};
  if (&method != &model) {
    RONDO_TRY(const std::vector<double> reference, Column(comparison.names, model.users, metric));
    RONDO_TRY(const Interval difference, intervals.Difference(values, reference));
    cell.verdict = VerdictOf(difference);
  }
  return cell;
}

/// The protocols of a comparison in their order: "full", "sampled99".
std::vector<std::string> ProtocolsOf(const Comparison& comparison) {
  std::vector<std::string> protocols;
  for (const std::string& name : comparison.names) {
    const std::string protocol = name.substr(0, name.find('/'));
    if (protocols.empty() || protocols.back() != protocol) {
      protocols.push_back(protocol);
    }
  }
  return protocols;
}

/// What stands under a table: who was scored, and what the rows do not show.
std::string NoteOf(const Method& model, const std::string& metric, const std::string& title) {
  const std::optional<double> over = model.institutions.Find(metric);
  std::string note = std::to_string(model.means.users) + " users; 95 % intervals by bootstrap over "
                     + (over ? "institutions" : "users");
  if (over) {
    note +=
        "; mean over institutions of the " + model.name + ": " + title + " " + FixedText(*over, 4);
  }
  if (model.nans > 0) {
    note += "; " + std::to_string(model.nans) + " scores of the " + model.name
            + " were NaN and ranked last";
  }
  return note;
}

/// By the models of their clients where these have any; users of no client by `what.model`.
Result<ClientScores> ScoreModel(const ModelEvaluation& what,
                                Experiment& experiment,
                                ClientStore* store) {
  const EvaluateTask task = coordinator::PlanEvaluation(experiment.scenario, 0, what.split);
  if (!HasOwnModels(task, *experiment.layout)) {
    ClientScores scores;
    RONDO_TRY(scores.users, EvaluateModel(what));
    return scores;
  }
  std::vector<const ClientShard*> clients;
  std::set<std::uint32_t> rest(what.users.begin(), what.users.end());
  for (const ClientShard& shard : experiment.shards) {
    clients.push_back(&shard);
    for (const std::uint32_t user : shard.users) {
      rest.erase(user);
    }
  }
  RONDO_TRY(ClientScores scored,
            EvaluateClients({.common = what,
                             .task = task,
                             .clients = std::move(clients),
                             .trainer = *experiment.trainer,
                             .store = store}));
  const std::vector<std::uint32_t> others(rest.begin(), rest.end());
  ModelEvaluation alone = what;
  alone.users = others;
  RONDO_TRY(const std::vector<UserMetrics> shared, EvaluateModel(alone));
  scored.users.insert(scored.users.end(), shared.begin(), shared.end());
  std::sort(scored.users.begin(),
            scored.users.end(),
            [](const UserMetrics& a, const UserMetrics& b) { return a.user < b.user; });
  return scored;
}

}  // namespace

Result<Comparison> CompareOnTest(Experiment& experiment,
                                 const std::string& name,
                                 const ParameterVector& model,
                                 const ScoreTrained& score,
                                 const std::stop_token& stop) {
  const Scenario& scenario = experiment.scenario;
  const Dataset& dataset = experiment.data.dataset;
  const std::vector<TestRows>& test = experiment.data.test.Open();
  const std::vector<std::uint32_t> users = AllUsers(dataset);
  const std::int64_t items = dataset.catalogue->items();

  Comparison comparison;
  Exposure exposure(items, LargestK(scenario));
  const EvaluationOptions options = OptionsOf(scenario, exposure);
  RONDO_TRY(comparison.names, MetricNames(options));
  RONDO_TRY(ClientScores own,
            score({.options = experiment.model,
                   .model = model,
                   .dataset = dataset,
                   .users = users,
                   .split = Split::kTest,
                   .test = &test,
                   .evaluation = options,
                   .stop = stop}));
  comparison.untuned = own.untuned.size();
  comparison.methods.push_back(
      MakeMethod(name, comparison.names, std::move(own.users), exposure, experiment));
  for (const std::string& word : scenario.evaluation.baselines) {
    if (stop.stop_requested()) {
      return Fail(ErrorCode::kCancelled, "evaluation was stopped before its end");
    }
    Exposure shown(items, LargestK(scenario));
    RONDO_TRY(const std::unique_ptr<Scorer> baseline, MakeBaseline(word, dataset, scenario.seed));
    RONDO_TRY(
        std::vector<UserMetrics> scored,
        EvaluateUsers(*baseline, dataset, users, Split::kTest, &test, OptionsOf(scenario, shown)));
    comparison.methods.push_back(
        MakeMethod(word, comparison.names, std::move(scored), shown, experiment));
  }
  if (experiment.attack != nullptr) {
    RONDO_TRY(comparison.attack, ReportAttack(experiment, model));
  }
  return comparison;
}

Result<Comparison> CompareOnTest(Experiment& experiment,
                                 const ParameterVector& model,
                                 ClientStore* store,
                                 const std::stop_token& stop) {
  const auto score = [&](const ModelEvaluation& what) {
    return ScoreModel(what, experiment, store);
  };
  return CompareOnTest(experiment, kModelName, model, score, stop);
}

boost::json::object AttackJson(const AttackReport& report) {
  boost::json::object json{
      {"name", report.name}, {"hostile", report.hostile}, {"target", report.target}};
  for (const auto& [k, rate] : report.exposure) {
    json["er@" + std::to_string(k)] =
        std::isfinite(rate) ? boost::json::value(rate) : boost::json::value(nullptr);
  }
  return json;
}

Result<std::vector<ResultTable>> TestTables(const Comparison& comparison,
                                            const Experiment& experiment) {
  const Method& model = comparison.methods.front();
  const Intervals intervals(ClustersOf(model.users, experiment), experiment.scenario.seed);
  std::vector<ResultTable> tables;
  for (const std::string& protocol : ProtocolsOf(comparison)) {
    ResultTable& table =
        tables.emplace_back(ResultTable{.title = coordinator::ProtocolTitle(protocol)});
    std::vector<std::string> metrics;
    for (const auto& [title, name] :
         coordinator::HeadlineMetrics(experiment.scenario.evaluation.k)) {
      table.metrics.push_back(title);
      metrics.push_back(protocol + "/" + name);
    }
    table.note = NoteOf(model, metrics.front(), table.metrics.front());
    if (comparison.untuned > 0) {
      table.note += "; the fine-tuning of " + std::to_string(comparison.untuned)
                    + " clients failed, they are scored without it";
    }
    for (const Method& method : comparison.methods) {
      MethodResult& row = table.rows.emplace_back(
          MethodResult{.method = method.name, .federated = &method == &model});
      for (const std::string& metric : metrics) {
        RONDO_TRY(const MetricCell cell, CellOf(comparison, method, metric, intervals));
        row.cells.push_back(cell);
      }
    }
  }
  return tables;
}

boost::json::object MetricsJson(const Method& method) {
  boost::json::object json;
  for (std::size_t i = 0; i < method.means.names.size(); ++i) {
    const std::string& name = method.means.names[i];
    const std::size_t slash = name.find('/');
    const std::string metric = name.substr(slash + 1);
    boost::json::value& entry = json[name.substr(0, slash)];
    if (entry.is_null()) {
      entry = {{"users", method.means.users}, {"nans", method.nans}};
    }
    entry.as_object()[metric] = method.means.means[i];
    if (!method.institutions.means.empty()) {
      boost::json::value& over = entry.as_object()["institutions"];
      over = over.is_null() ? boost::json::object() : over;
      over.as_object()[metric] = method.institutions.means[i];
    }
  }
  if (auto* full = json.if_contains("full")) {
    full->as_object()["coverage"] = method.coverage;
    full->as_object()["gini"] = method.gini;
    full->as_object()["novelty"] = method.novelty;
  }
  return json;
}

}  // namespace rondo::sim
