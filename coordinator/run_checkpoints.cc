#include "coordinator/run_checkpoints.h"

#include <cmath>
#include <utility>

#include <boost/json.hpp>

#include "common/io/json.h"
#include "coordinator/spent.h"

namespace rondo::coordinator {
namespace {

constexpr std::string_view kBestModel = "best";
constexpr const char* kProgressKey = "progress";

boost::json::object MetricsJson(const MetricTable& metrics) {
  boost::json::object values;
  for (std::size_t i = 0; i < metrics.names.size(); ++i) {
    values[metrics.names[i]] =
        std::isfinite(metrics.means[i]) ? boost::json::value(metrics.means[i]) : nullptr;
  }
  return {{"users", metrics.users}, {"nans", metrics.nans}, {"means", std::move(values)}};
}

MetricTable MetricsOf(const boost::json::object& json) {
  MetricTable metrics;
  metrics.users = json.at("users").to_number<std::uint64_t>();
  metrics.nans = json.at("nans").to_number<std::uint64_t>();
  for (const auto& [name, value] : json.at("means").as_object()) {
    metrics.names.emplace_back(name);
    metrics.means.push_back(value.is_null() ? std::nan("") : value.to_number<double>());
  }
  return metrics;
}

std::int64_t Nanoseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
}

/// One entry a round, since most clients share their last one.
boost::json::array ResultsJson(const std::map<ClientId, RoundResult>& results) {
  std::map<RoundId, boost::json::object> rounds;
  for (const auto& [client, result] : results) {
    boost::json::object& entry = rounds[result.round];
    if (entry.empty()) {
      entry = {{"round", result.round},
               {"void", result.is_void},
               {"model", result.model_sha256},
               {"included", boost::json::array()},
               {"without", boost::json::array()}};
    }
    entry[result.included ? "included" : "without"].as_array().emplace_back(client);
  }
  boost::json::array all;
  for (auto& [round, entry] : rounds) {
    all.push_back(std::move(entry));
  }
  return all;
}

void ReadResults(const boost::json::array& rounds, RunState& state) {
  for (const boost::json::value& entry : rounds) {
    for (const char* part : {"included", "without"}) {
      for (const boost::json::value& client : entry.at(part).as_array()) {
        state.results[std::string(client.as_string())] = {
            .round = entry.at("round").to_number<RoundId>(),
            .is_void = entry.at("void").as_bool(),
            .included = part == std::string_view("included"),
            .model_sha256 = std::string(entry.at("model").as_string())};
      }
    }
  }
}

std::string ProgressJson(const RunState& state) {
  boost::json::array history;
  for (const ValidationRecord& record : state.history) {
    history.push_back({{"round", record.round}, {"metrics", MetricsJson(record.metrics)}});
  }
  const boost::json::object progress{{"void_rounds", state.void_rounds},
                                     {"void_in_a_row", state.void_in_a_row},
                                     {"validated_round", state.validated_round},
                                     {"simulated_ns", Nanoseconds(state.simulated)},
                                     {"at_work", boost::json::value_from(state.at_work)},
                                     {"history", std::move(history)},
                                     {"clip_norm", state.clip_norm},
                                     {"spent", SpentJson(state.ledger)},
                                     {"results", ResultsJson(state.results)}};
  return boost::json::serialize(progress);
}

Status ReadProgress(const std::string& text, RunState& state) {
  RONDO_TRY(const boost::json::value json, ParseJson(text));
  try {
    const boost::json::object& progress = json.as_object();
    state.void_rounds = progress.at("void_rounds").to_number<std::uint64_t>();
    state.void_in_a_row = progress.at("void_in_a_row").to_number<int>();
    state.validated_round = progress.at("validated_round").to_number<RoundId>();
    if (const auto* simulated = progress.if_contains("simulated_ns")) {
      state.simulated = std::chrono::duration_cast<Duration>(
          std::chrono::nanoseconds(simulated->to_number<std::int64_t>()));
    }
    if (const auto* at_work = progress.if_contains("at_work")) {
      state.at_work = boost::json::value_to<std::vector<ClientId>>(*at_work);
    }
    for (const boost::json::value& entry : progress.at("history").as_array()) {
      state.history.push_back({.round = entry.at("round").to_number<RoundId>(),
                               .metrics = MetricsOf(entry.at("metrics").as_object())});
    }
    if (const auto* spent = progress.if_contains("spent")) {
      RONDO_TRY(state.ledger, LedgerOf(spent->as_array()));
      state.clip_norm = progress.at("clip_norm").to_number<double>();
    }
    if (const auto* results = progress.if_contains("results")) {
      ReadResults(results->as_array(), state);
    }
  } catch (const std::exception& error) {
    return Fail(ErrorCode::kCorrupt,
                std::string("the checkpoint's progress record is broken: ") + error.what());
  }
  return Ok();
}

}  // namespace

Checkpoint CheckpointOf(const RunState& state, RunIdentity run) {
  Checkpoint checkpoint{.round = state.round,
                        .model = state.model,
                        .optimizer = state.optimizer_state,
                        .optimizer_steps = state.optimizer_steps,
                        .best_round = state.best_round,
                        .best_score = state.best_round > 0 ? state.best_ndcg : std::nan(""),
                        .stale_validations = state.validations_without_gain,
                        .run = std::move(run)};
  if (state.best_round > 0) {
    checkpoint.optimizer.emplace_back(kBestModel, state.best_model);
  }
  checkpoint.extra[kProgressKey] = ProgressJson(state);
  return checkpoint;
}

Result<RunState> RunStateOf(Checkpoint checkpoint) {
  RunState state;
  state.round = checkpoint.round;
  state.model = std::move(checkpoint.model);
  state.optimizer_steps = checkpoint.optimizer_steps;
  state.best_round = checkpoint.best_round;
  state.best_ndcg = checkpoint.best_round > 0 ? checkpoint.best_score : 0.0;
  state.validations_without_gain = checkpoint.stale_validations;
  for (auto& [name, vector] : checkpoint.optimizer) {
    if (name == kBestModel) {
      state.best_model = std::move(vector);
    } else {
      state.optimizer_state.emplace_back(name, std::move(vector));
    }
  }
  if (state.best_round > 0 && state.best_model.layout == nullptr) {
    return Fail(ErrorCode::kCorrupt, "the checkpoint names a best round but lacks its model");
  }
  if (const auto progress = checkpoint.extra.find(kProgressKey);
      progress != checkpoint.extra.end()) {
    RONDO_TRY_STATUS(ReadProgress(progress->second, state));
  }
  return state;
}

Result<RunCheckpoints> RunCheckpoints::Open(CheckpointStore::Options options, RunIdentity run) {
  RONDO_TRY(CheckpointStore store, CheckpointStore::Open(std::move(options)));
  return RunCheckpoints(std::move(store), std::move(run));
}

Status RunCheckpoints::Save(const RunState& state) {
  return store_.Save(CheckpointOf(state, run_));
}

Result<std::optional<RunState>> RunCheckpoints::Latest() const {
  RONDO_TRY(std::optional<Checkpoint> checkpoint, store_.Latest());
  if (!checkpoint) {
    return std::optional<RunState>();
  }
  if (checkpoint->run.catalogue_sha256 != run_.catalogue_sha256
      || checkpoint->run.seed != run_.seed) {
    return Fail(
        ErrorCode::kFailedPrecondition,
        "the checkpoints belong to another run: catalogue or seed differ; use another folder");
  }
  RONDO_TRY(RunState state, RunStateOf(*std::move(checkpoint)));
  return std::optional<RunState>(std::move(state));
}

}  // namespace rondo::coordinator
