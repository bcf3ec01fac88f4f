#pragma once

#include <string>

#include <boost/json.hpp>

#include "common/io/checkpoint.h"
#include "common/io/run_directory.h"
#include "simulations/comparison.h"
#include "simulations/experiment.h"
#include "simulations/simulation.h"

namespace rondo::sim {

/// Versions, libraries, device, seeds and data fingerprint of a run.
boost::json::object MetaJson(const Experiment& experiment);

/// What is fixed for the whole run and written into its checkpoints.
RunIdentity IdentityOf(const Experiment& experiment);

/// Writes the selected model as `model.safetensors` and returns the SHA-256 of the file.
Result<std::string> WriteSelectedModel(const RunDirectory& directory,
                                       const Experiment& experiment,
                                       const coordinator::RunState& state);

struct SummaryInput {
  const Experiment& experiment;
  const SimulationOutcome& outcome;
  const Comparison& comparison;
  std::string model_sha256;
  double seconds = 0.0;
};

/// summary.json, as `rondo-sim run --json` prints it.
boost::json::object SummaryJson(const SummaryInput& input);

/// per_user.tsv := "user_id\tmethod" { "\t" metric } "\n" { user "\t" method { "\t" value } "\n" }
std::string PerUserTsv(const Comparison& comparison, const Dataset& dataset);

}  // namespace rondo::sim
