#include "coordinator/run_files.h"

#include <fmt/format.h>
#include <utility>

#include <boost/json/array.hpp>

#include "common/core/file.h"
#include "common/core/version.h"
#include "common/crypto/sha256.h"
#include "common/io/json.h"

namespace rondo::coordinator {
namespace {

boost::json::value TextOrNull(const std::string& text) {
  return text.empty() ? boost::json::value(nullptr) : boost::json::value(text);
}

}  // namespace

RunIdentity IdentityOf(const Scenario& scenario,
                       const Catalogue& catalogue,
                       std::int64_t feature_values) {
  return {.name = scenario.name,
          .seed = scenario.seed,
          .data_seed = scenario.data.seed,
          .model = scenario.model,
          .catalogue_sha256 = catalogue.sha256(),
          .items = catalogue.items(),
          .feature_values = feature_values,
          .scenario = ScenarioToToml(scenario)};
}

boost::json::object MetaJson(const Scenario& scenario, const Catalogue& catalogue) {
  return {{"schema_version", 1},
          {"rondo", Version()},
          {"trust_mode", scenario.privacy.mode},
          {"seed", scenario.seed},
          {"data_seed", scenario.data.seed},
          {"catalogue_sha256", catalogue.sha256()},
          {"items", catalogue.items()}};
}

Result<Bytes> EncodeModelFile(RoundId round, const ParameterVector& model, const RunIdentity& run) {
  return EncodeCheckpoint(Checkpoint{.round = round, .model = model, .run = run});
}

Result<Bytes> EncodeSelectedModel(const RunIdentity& run, const RunState& state) {
  return EncodeCheckpoint({.round = state.selected_round(),
                           .model = state.selected_model(),
                           .best_round = state.best_round,
                           .best_score = state.best_ndcg,
                           .run = run});
}

Result<std::string> WriteSelectedModel(const std::filesystem::path& folder,
                                       const RunIdentity& run,
                                       const Catalogue& catalogue,
                                       const RunState& state) {
  RONDO_TRY(const Bytes file, EncodeSelectedModel(run, state));
  RONDO_TRY_STATUS(WriteFileAtomic(folder / "model.safetensors", file));
  RONDO_TRY_STATUS(WriteTextFile(folder / "catalogue.tsv", catalogue.text()));
  return Sha256Hex(file);
}

boost::json::object PrivacySummary(const PrivacyConfig& config, const RunState& state) {
  boost::json::object summary{{"mode", config.mode}, {"epsilon", nullptr}, {"delta", nullptr}};
  if (config.noise_multiplier <= 0.0) {
    return summary;
  }
  const auto epsilon = state.ledger.Epsilon(AccountantOf(config.accountant), config.delta);
  if (epsilon) {
    summary["epsilon"] = *epsilon;
    summary["delta"] = config.delta;
  }
  summary["target_epsilon"] =
      config.target_epsilon > 0.0 ? boost::json::value(config.target_epsilon) : nullptr;
  summary["unit"] = config.unit;
  summary["noise_multiplier"] = config.noise_multiplier;
  summary["sampling"] = config.sampling;
  summary["accountant"] = config.accountant;
  summary["releases"] = state.ledger.releases();
  return summary;
}

std::string PrivacyText(const PrivacyConfig& config, const RunState& state) {
  const boost::json::object summary = PrivacySummary(config, state);
  if (!summary.at("epsilon").is_number()) {
    return "";
  }
  return fmt::format(
      "epsilon {:.4g} at delta {:.3g} for each {} of this run, over {} noisy sums ({}, {} "
      "sampling); a {} in two institutions or two runs spends twice",
      summary.at("epsilon").to_number<double>(),
      config.delta,
      config.unit,
      state.ledger.releases(),
      config.accountant,
      config.sampling,
      config.unit == "user" ? "user" : "person");
}

boost::json::object SummaryJson(SummaryInput input) {
  const Scenario& scenario = input.scenario;
  const RunState& state = input.state;
  const std::vector<double>& rounds = input.totals.round_seconds;
  return {{"schema_version", 1},
          {"name", scenario.name},
          {"seed", scenario.seed},
          {"data_seed", scenario.data.seed},
          {"rounds", state.round},
          {"void_rounds", state.void_rounds},
          {"selected_round", state.selected_round()},
          {"clients", input.clients},
          {"model",
           {{"parameters", state.model.values.size()}, {"sha256", std::move(input.model_sha256)}}},
          {"catalogue", {{"sha256", input.catalogue.sha256()}, {"items", input.catalogue.items()}}},
          {"test", std::move(input.test)},
          {"baselines", std::move(input.baselines)},
          {"bytes_up", input.totals.bytes_up},
          {"bytes_down", input.totals.bytes_down},
          {"seconds", input.totals.seconds},
          {"round_seconds", boost::json::array(rounds.begin(), rounds.end())},
          {"privacy", PrivacySummary(scenario.privacy, state)},
          {"blas", TextOrNull(input.blas)},
          {"device", TextOrNull(input.device)}};
}

boost::json::value MetricsByProtocol(const std::optional<MetricTable>& table) {
  if (!table) {
    return nullptr;
  }
  boost::json::object all;
  for (std::size_t i = 0; i < table->names.size(); ++i) {
    const std::string& name = table->names[i];
    const std::size_t slash = name.find('/');
    boost::json::value& protocol = all[name.substr(0, slash)];
    if (!protocol.is_object()) {
      protocol = boost::json::object{{"users", table->users}};
    }
    protocol.get_object()[name.substr(slash + 1)] = NumberOrNull(table->means[i]);
  }
  return all;
}

}  // namespace rondo::coordinator
