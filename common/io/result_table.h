#pragma once

#include <limits>
#include <string>
#include <vector>

namespace rondo {

/// How a method compares with the federated model on the same users.
enum class Verdict {
  kNone,         ///< not compared
  kBetter,       ///< the interval of the paired difference lies above 0
  kWorse,        ///< it lies below 0
  kWithinNoise,  ///< it contains 0
};

struct MetricCell {
  double value = std::numeric_limits<double>::quiet_NaN();  ///< NaN: not measured
  double low = std::numeric_limits<double>::quiet_NaN();    ///< 95 % interval; NaN: none
  double high = std::numeric_limits<double>::quiet_NaN();
  Verdict verdict = Verdict::kNone;
};

struct MethodResult {
  std::string method;
  std::string note;        ///< e.g. "simulation only"
  bool federated = false;  ///< the model of this run
  std::vector<MetricCell> cells;
};

/// Methods beside each other under one protocol.
struct ResultTable {
  std::string title;                 ///< "Test split, full ranking"
  std::vector<std::string> metrics;  ///< "NDCG@10", "HR@10": one a cell
  std::vector<MethodResult> rows;
  std::string note;  ///< "943 users; 95 % intervals by bootstrap over users"
};

/// "better", "worse", "within noise", or nothing.
std::string VerdictText(Verdict verdict);

/// What the verdicts of a table mean, or nothing if it has none.
std::string VerdictLegend(const ResultTable& table);

/// The table for a terminal, ending with its note and the legend.
std::string RenderText(const ResultTable& table);

}  // namespace rondo
