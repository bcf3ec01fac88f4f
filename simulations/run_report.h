#pragma once

#include <string>

#include <boost/json.hpp>

#include "common/io/run_directory.h"
#include "simulations/comparison.h"
#include "simulations/experiment.h"
#include "simulations/simulation.h"

namespace rondo::sim {

/// The comparison as an aligned table for the terminal.
Result<std::string> ComparisonText(const Comparison& comparison, const Experiment& experiment);

struct RunReportInput {
  const RunDirectory& directory;
  Experiment& experiment;
  const SimulationOutcome& outcome;
  const Comparison& comparison;
  double seconds = 0.0;
};

/// What `rondo-sim run` prints at the end: the comparison, five recommendations for one user with
/// titles, and where the files are.
Result<std::string> RunReportText(const RunReportInput& input);

}  // namespace rondo::sim
