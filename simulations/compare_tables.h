#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "common/io/report.h"
#include "simulations/compare_analysis.h"
#include "simulations/compare_partition.h"
#include "simulations/compare_tuning.h"

/// An analysis as tables and files.
namespace rondo::sim {

/// "full/ndcg@10" -> "NDCG@10"; other protocols are named behind it.
std::string MetricTitle(const std::string& metric);

/// Everything a comparison says, in order: accuracy and tests, fairness and cost, the family where
/// all pairs were asked for, attacks, tuning. `tuning` is empty for runs that were only read.
std::vector<ReportTable> TablesOf(const Analysis& analysis, const Tuning& tuning);

/// compare.csv: one row an arm, numbers as they are.
ReportTable CsvTable(const Analysis& analysis);

/// compare.json.
boost::json::object ToJson(const Analysis& analysis, const Tuning& tuning);

/// Self-contained, light and dark.
std::string ToHtml(const std::string& name,
                   const std::vector<Arm>& arms,
                   const Analysis& analysis,
                   const Tuning& tuning,
                   const PartitionPictures& partition);

}  // namespace rondo::sim
