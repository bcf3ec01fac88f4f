#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "common/io/report.h"
#include "simulations/compare_runs.h"

/// Attacks against defences: what is left of a metric where some clients are hostile.
namespace rondo::sim {

struct AttackGrid {
  std::string metric;
  std::vector<std::string> strategies;
  std::vector<double> clean;         ///< [strategies] without attack; means over users and seeds
  std::vector<std::string> attacks;  ///< named by what sets them apart
  std::vector<std::vector<double>> attacked;  ///< [attacks][strategies]; NaN without a run

  /// The share of the metric without attack that is left.
  double Kept(std::size_t attack, std::size_t strategy) const;
};

/// Nothing if no run has an attack, or none is without. Strategies without an unattacked run are
/// left out; they are named as the arm among `arms` that holds it.
/// Errors  kInvalidArgument if a run lacks the metric; those of CheckComparable.
Result<std::optional<AttackGrid>> AttackGridOf(std::span<const RunRecord> runs,
                                               std::span<const Arm> arms,
                                               const std::string& metric);

ReportTable AttackTable(const AttackGrid& grid);
HeatMap AttackMap(const AttackGrid& grid);
boost::json::object AttackJson(const AttackGrid& grid);

}  // namespace rondo::sim
