#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/config/scenario.h"
#include "common/core/ids.h"
#include "simulations/scenario_keys.h"

/// Finished runs as a comparison reads them.
namespace rondo::sim {

/// The metric that chooses rounds and settings.
inline constexpr const char* kValidationMetric = "full/ndcg@10";

/// One validation, and what the rounds until then took.
struct CurvePoint {
  RoundId round = 0;
  double score = 0.0;              ///< kValidationMetric
  double bytes = 0.0;              ///< of rounds, both ways; validations are not counted
  double seconds = 0.0;            ///< of rounds
  double simulated_seconds = 0.0;  ///< of rounds, on a virtual clock
};

/// The validations of a run directory, finished or not.
/// Errors  kIo; kCorrupt.
Result<std::vector<CurvePoint>> ReadCurve(const std::filesystem::path& run);

/// One run directory.
struct RunRecord {
  std::filesystem::path path;
  Scenario scenario;
  ScenarioKeys keys;     ///< of config.toml
  std::string training;  ///< "central" or "local"; empty: federated
  std::string fingerprint;
  std::string catalogue_sha256;
  std::vector<std::string> metrics;  ///< "full/ndcg@10", ...
  std::vector<std::string> users;
  std::vector<std::string> clients;         ///< [users]
  std::vector<std::vector<double>> values;  ///< [metrics][users], on the test split
  /// [baselines] name and means over users [metrics]
  std::vector<std::pair<std::string, std::vector<double>>> baselines;
  std::vector<CurvePoint> curve;
  double rounds = 0.0;
  double bytes = 0.0;              ///< both ways, validations included
  double seconds = 0.0;            ///< of the whole run
  double simulated_seconds = 0.0;  ///< of all rounds; 0 without a virtual clock

  /// [users] Errors  kInvalidArgument if the run has no such metric.
  Result<std::vector<double>> Column(const std::string& metric) const;
};

/// Reads config.toml, meta.json, summary.json, rounds.jsonl and per_user.tsv.
/// Errors  kNotFound if `path` holds no run; kFailedPrecondition if it has not ended or its test
/// split was left closed; kCorrupt; kIo.
Result<RunRecord> ReadRun(const std::filesystem::path& path);

/// Whether users of all runs can be paired: the same rows, catalogue, split and filter.
/// Errors  kInvalidArgument that names two runs and what differs.
Status CheckComparable(std::span<const RunRecord* const> runs);

/// Runs that differ by their seed alone.
struct Arm {
  std::string name;
  std::vector<RunRecord> runs;  ///< by seed, each seed once
};

/// Sorts runs into arms, in order of appearance. An arm is named by its strategy (or by
/// "central" or "local"), and by what sets it apart from others of the same name. Engine,
/// checkpoints, name and places of files set nothing apart. A second run with the same seed and
/// settings is an arm of its own.
std::vector<Arm> ArmsOf(std::vector<RunRecord> runs);

}  // namespace rondo::sim
