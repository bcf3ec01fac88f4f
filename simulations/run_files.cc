#include "simulations/run_files.h"

#include <cstdio>
#include <utility>

namespace rondo::sim {

boost::json::object MetaJson(const Experiment& experiment) {
  const Scenario& scenario = experiment.scenario;
  const Dataset& dataset = experiment.data.dataset;
  boost::json::object meta = coordinator::MetaJson(scenario, *dataset.catalogue);
  meta["blas"] = experiment.device.blas;
  meta["slow_blas"] = experiment.device.slow_blas;
  meta["device"] = experiment.device.device;
  meta["threads"] = scenario.engine.threads;
  meta["data_fingerprint"] = dataset.fingerprint;
  meta["users"] = dataset.users.size();
  meta["clients"] = experiment.shards.size();
  meta["clients_without_positions"] = experiment.idle_clients;
  meta["test_targets_outside_catalogue"] = experiment.data.report.test_targets_outside;
  return meta;
}

boost::json::object SummaryJson(SummaryInput input) {
  boost::json::value test;
  boost::json::value baselines;
  if (input.comparison != nullptr) {
    const std::vector<Method>& methods = input.comparison->methods;
    test = MetricsJson(methods.front());
    boost::json::object& all = baselines.emplace_object();
    for (std::size_t i = 1; i < methods.size(); ++i) {
      all[methods[i].name] = MetricsJson(methods[i]);
    }
  }
  boost::json::object summary =
      coordinator::SummaryJson({.scenario = input.experiment.scenario,
                                .catalogue = *input.experiment.data.dataset.catalogue,
                                .state = input.state,
                                .clients = input.experiment.shards.size(),
                                .model_sha256 = std::move(input.model_sha256),
                                .test = std::move(test),
                                .baselines = std::move(baselines),
                                .totals = std::move(input.totals),
                                .blas = input.experiment.device.blas,
                                .device = input.experiment.device.device});
  if (input.experiment.scenario.devices.virtual_clock) {
    summary["simulated_seconds"] = SimulatedSeconds(input.state);
  }
  if (input.comparison != nullptr && input.comparison->attack) {
    summary["attack"] = AttackJson(*input.comparison->attack);
  }
  return summary;
}

std::string PerUserTsv(const Comparison& comparison, const Experiment& experiment) {
  const Dataset& dataset = experiment.data.dataset;
  std::vector<std::string> client_of(dataset.users.size(), "-");
  for (const ClientShard& shard : experiment.shards) {
    for (const std::uint32_t user : shard.users) {
      client_of[user] = shard.id;
    }
  }
  std::string text = "user_id\tmethod\tclient_id";
  for (const std::string& name : comparison.names) {
    text += '\t' + name;
  }
  text += '\n';
  char number[32];
  for (const Method& method : comparison.methods) {
    for (const UserMetrics& user : method.users) {
      text += dataset.users[user.user].user + '\t' + method.name + '\t' + client_of[user.user];
      for (const double value : user.values) {
        std::snprintf(number, sizeof(number), "\t%.9g", value);
        text += number;
      }
      text += '\n';
    }
  }
  return text;
}

}  // namespace rondo::sim
