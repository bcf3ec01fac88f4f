#pragma once

#include <filesystem>
#include <string>

#include "common/io/run_directory.h"
#include "coordinator/run_recorder.h"
#include "simulations/comparison.h"
#include "simulations/experiment.h"

namespace rondo::sim {

struct RunReportInput {
  const RunDirectory& rounds;    ///< whose rounds.jsonl gives the curves
  std::filesystem::path report;  ///< the page to write
  Experiment& experiment;
  const coordinator::RunState& state;
  const Comparison& comparison;
  coordinator::RunTotals totals;
};

/// The same methods with NDCG and HR at the largest k alone, as it fits a terminal.
ResultTable HeadlineOf(ResultTable table);

/// Writes report.html and returns what `run` and `poc` print: the comparison under full ranking,
/// five recommendations for one user with titles, and where the files are.
Result<std::string> WriteRunReport(const RunReportInput& input);

}  // namespace rondo::sim
