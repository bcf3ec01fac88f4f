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
  const std::vector<Method>& methods = input.comparison.methods;
  boost::json::object baselines;
  for (std::size_t i = 1; i < methods.size(); ++i) {
    baselines[methods[i].name] = MetricsJson(methods[i]);
  }
  return coordinator::SummaryJson({.scenario = input.experiment.scenario,
                                   .catalogue = *input.experiment.data.dataset.catalogue,
                                   .state = input.state,
                                   .clients = input.experiment.shards.size(),
                                   .model_sha256 = std::move(input.model_sha256),
                                   .test = MetricsJson(methods.front()),
                                   .baselines = std::move(baselines),
                                   .totals = std::move(input.totals),
                                   .blas = input.experiment.device.blas,
                                   .device = input.experiment.device.device});
}

std::string PerUserTsv(const Comparison& comparison, const Dataset& dataset) {
  std::string text = "user_id\tmethod";
  for (const std::string& name : comparison.names) {
    text += '\t' + name;
  }
  text += '\n';
  char number[32];
  for (const Method& method : comparison.methods) {
    for (const UserMetrics& user : method.users) {
      text += dataset.users[user.user].user + '\t' + method.name;
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
