#pragma once

#include <string>

#include <boost/json.hpp>

#include "common/io/run_directory.h"
#include "simulations/comparison.h"
#include "simulations/experiment.h"
#include "simulations/simulation.h"

namespace rondo::sim {

struct RunReportInput {
  RunDirectory& directory;
  Experiment& experiment;
  const SimulationOutcome& outcome;
  const Comparison& comparison;
  const boost::json::object& summary;
};

/// The same methods with NDCG and HR at the largest k alone, as it fits a terminal.
ResultTable HeadlineOf(ResultTable table);

/// Writes report.html and returns what `rondo-sim run` prints: the comparison under full ranking,
/// five recommendations for one user with titles, and where the files are.
Result<std::string> WriteRunReport(const RunReportInput& input);

}  // namespace rondo::sim
