#pragma once

#include <string>

#include <boost/json.hpp>

#include "coordinator/run_files.h"
#include "simulations/comparison.h"
#include "simulations/experiment.h"

/// What a simulation writes beyond the files of every run.
namespace rondo::sim {

/// Versions, libraries, device, seeds and data fingerprint of a run.
boost::json::object MetaJson(const Experiment& experiment);

struct SummaryInput {
  const Experiment& experiment;
  const coordinator::RunState& state;
  const Comparison* comparison = nullptr;  ///< null: the test split was not opened
  std::string model_sha256;
  coordinator::RunTotals totals;
};

/// summary.json, as `rondo-sim run --json` prints it.
boost::json::object SummaryJson(SummaryInput input);

/// per_user.tsv := "user_id\tmethod\tclient_id" { "\t" metric } "\n"
///                 { user "\t" method "\t" client { "\t" value } "\n" }
///
/// The client is the one that holds the user's rows; "-" if it has nothing to train on.
std::string PerUserTsv(const Comparison& comparison, const Experiment& experiment);

}  // namespace rondo::sim
