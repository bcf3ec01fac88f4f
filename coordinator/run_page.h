#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "common/config/scenario.h"
#include "common/io/report.h"
#include "coordinator/checkpoint_sink.h"
#include "coordinator/run_recorder.h"

namespace rondo::coordinator {

struct RunPageInput {
  const Scenario& scenario;
  const RunState& state;
  std::size_t clients = 0;
  RunTotals totals;
  const std::vector<boost::json::object>& lines;  ///< of rounds.jsonl
};

/// One number of every line that has it, over rounds; `inner` names a key below `key`.
ChartSeries Curve(const std::vector<boost::json::object>& lines,
                  const std::string& name,
                  const std::string& key,
                  const std::string& inner = "");

/// The part of report.html that every run has: what was trained, the trust mode in words, the
/// curves of loss and validation, and the configuration.
ReportInput RunPage(const RunPageInput& input);

/// The test metrics of the selected model, a table a protocol: what clients' sums give, means
/// without intervals.
std::vector<ResultTable> FederatedResults(const std::optional<MetricTable>& test,
                                          const std::vector<int>& k);

struct HeadlineMetric {
  std::string title;  ///< "NDCG@10"
  std::string name;   ///< "ndcg@10"
};

/// NDCG and HR at every k, the largest first: what tables of results show.
std::vector<HeadlineMetric> HeadlineMetrics(std::vector<int> k);

/// "full" -> "Test split, full ranking"; "sampled99" names its negatives.
std::string ProtocolTitle(const std::string& protocol);

/// What the coordinator sees in this mode, in one sentence.
std::string TrustText(const std::string& mode);

}  // namespace rondo::coordinator
