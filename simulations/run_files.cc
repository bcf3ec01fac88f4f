#include "simulations/run_files.h"

#include <cstdio>

#include "common/core/file.h"
#include "common/core/version.h"
#include "common/crypto/sha256.h"
#include "common/io/checkpoint.h"

namespace rondo::sim {

boost::json::object MetaJson(const Experiment& experiment) {
  const Scenario& scenario = experiment.scenario;
  const Dataset& dataset = experiment.data.dataset;
  return {{"schema_version", 1},
          {"rondo", Version()},
          {"blas", experiment.device.blas},
          {"slow_blas", experiment.device.slow_blas},
          {"device", experiment.device.device},
          {"threads", scenario.engine.threads},
          {"seed", scenario.seed},
          {"data_seed", scenario.data.seed},
          {"data_fingerprint", dataset.fingerprint},
          {"catalogue_sha256", dataset.catalogue->sha256()},
          {"users", dataset.users.size()},
          {"items", dataset.catalogue->items()},
          {"clients", experiment.shards.size()},
          {"clients_without_positions", experiment.idle_clients},
          {"test_targets_outside_catalogue", experiment.data.report.test_targets_outside}};
}

RunIdentity IdentityOf(const Experiment& experiment) {
  const Scenario& scenario = experiment.scenario;
  const Catalogue& catalogue = *experiment.data.dataset.catalogue;
  return {.name = scenario.name,
          .seed = scenario.seed,
          .data_seed = scenario.data.seed,
          .model = scenario.model,
          .catalogue_sha256 = catalogue.sha256(),
          .items = catalogue.items(),
          .feature_values = experiment.model.features->values(),
          .scenario = ScenarioToToml(scenario)};
}

Result<std::string> WriteSelectedModel(const RunDirectory& directory,
                                       const Experiment& experiment,
                                       const coordinator::RunState& state) {
  const Checkpoint checkpoint{.round = state.selected_round(),
                              .model = state.selected_model(),
                              .best_round = state.best_round,
                              .best_score = state.best_ndcg,
                              .run = IdentityOf(experiment)};
  RONDO_TRY(const Bytes file, EncodeCheckpoint(checkpoint));
  RONDO_TRY_STATUS(WriteFileAtomic(directory.path() / "model.safetensors", file));
  RONDO_TRY_STATUS(
      WriteTextFile(directory.path() / "catalogue.tsv", experiment.data.dataset.catalogue->text()));
  return Sha256Hex(file);
}

boost::json::object SummaryJson(const SummaryInput& input) {
  const Scenario& scenario = input.experiment.scenario;
  const coordinator::RunState& state = input.outcome.run.state;
  const Catalogue& catalogue = *input.experiment.data.dataset.catalogue;
  boost::json::object baselines;
  for (std::size_t i = 1; i < input.comparison.methods.size(); ++i) {
    baselines[input.comparison.methods[i].name] = MetricsJson(input.comparison.methods[i]);
  }
  return {
      {"schema_version", 1},
      {"name", scenario.name},
      {"seed", scenario.seed},
      {"data_seed", scenario.data.seed},
      {"rounds", state.round},
      {"void_rounds", state.void_rounds},
      {"selected_round", state.selected_round()},
      {"clients", input.experiment.shards.size()},
      {"model", {{"parameters", input.experiment.layout->size()}, {"sha256", input.model_sha256}}},
      {"catalogue", {{"sha256", catalogue.sha256()}, {"items", catalogue.items()}}},
      {"test", MetricsJson(input.comparison.methods.front())},
      {"baselines", std::move(baselines)},
      {"bytes_up", input.outcome.bytes_up},
      {"bytes_down", input.outcome.bytes_down},
      {"seconds", input.seconds},
      {"privacy", {{"mode", scenario.privacy.mode}, {"epsilon", nullptr}, {"delta", nullptr}}},
      {"blas", input.experiment.device.blas},
      {"device", input.experiment.device.device}};
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
