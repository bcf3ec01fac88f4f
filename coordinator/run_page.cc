#include "coordinator/run_page.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "common/io/progress.h"
#include "common/io/text_table.h"
#include "coordinator/run_files.h"

namespace rondo::coordinator {
namespace {

std::vector<ReportChart> Curves(const std::vector<boost::json::object>& lines) {
  const LineChart loss{.id = "loss",
                       .title = "Training loss",
                       .description = "Mean loss of the cohort before the server step, by round.",
                       .x_label = "round",
                       .y_label = "loss",
                       .series = {Curve(lines, "loss", "loss")}};
  const LineChart accuracy{
      .id = "validation",
      .title = "Validation",
      .description = "NDCG@10 and HR@10 on the validation split under full ranking, by round.",
      .x_label = "round",
      .y_label = "metric",
      .series = {Curve(lines, "NDCG@10", "validation", "full/ndcg@10"),
                 Curve(lines, "HR@10", "validation", "full/hr@10")},
      .from_zero = true};
  LineChart utility{
      .id = "epsilon",
      .title = "Utility against epsilon",
      .description = "NDCG@10 on the validation split by what the rounds so far have spent.",
      .x_label = "epsilon",
      .y_label = "NDCG@10",
      .series = {{.name = "NDCG@10"}},
      .from_zero = true};
  for (const boost::json::object& line : lines) {
    const boost::json::value* const epsilon = line.if_contains("epsilon");
    const boost::json::value* const validation = line.if_contains("validation");
    if (epsilon == nullptr || validation == nullptr || !validation->is_object()) {
      continue;
    }
    const boost::json::value* const ndcg = validation->get_object().if_contains("full/ndcg@10");
    if (ndcg != nullptr && ndcg->is_number()) {
      utility.series.front().points.emplace_back(epsilon->to_number<double>(),
                                                 ndcg->to_number<double>());
    }
  }
  if (utility.series.front().points.empty()) {
    return {loss, accuracy};
  }
  return {loss, accuracy, utility};
}

std::string Lead(const RunPageInput& input) {
  const RunState& state = input.state;
  std::string lead = "A federated attention recommender of "
                     + std::to_string(state.model.values.size()) + " weights, trained over "
                     + std::to_string(state.round) + " rounds with " + std::to_string(input.clients)
                     + " clients";
  if (state.best_round == 0) {
    return lead + "; no round had a validation, so the newest model counts.";
  }
  if (state.ledger.releases() > 0) {
    return lead + ", with noise on every sum; a choice by validation would tell more about them "
                  "than that lets through, so the newest model counts.";
  }
  if (!state.SelectsBest()) {
    return lead + "; clients have parameters of their own, so the newest model counts.";
  }
  return lead + "; the model of round " + std::to_string(state.best_round)
         + " was chosen on validation.";
}

}  // namespace

ChartSeries Curve(const std::vector<boost::json::object>& lines,
                  const std::string& name,
                  const std::string& key,
                  const std::string& inner) {
  ChartSeries series{.name = name};
  for (const boost::json::object& line : lines) {
    const boost::json::value* value = line.if_contains(key);
    if (value != nullptr && !inner.empty()) {
      value = value->is_object() ? value->get_object().if_contains(inner) : nullptr;
    }
    if (value != nullptr && value->is_number()) {
      series.points.emplace_back(line.at("round").to_number<double>(), value->to_number<double>());
    }
  }
  return series;
}

ReportInput RunPage(const RunPageInput& input) {
  const Scenario& scenario = input.scenario;
  ReportInput page{.name = scenario.name, .lead = Lead(input)};
  page.trust_mode = scenario.privacy.mode;
  page.trust_text = TrustText(scenario.privacy.mode);
  page.facts = {{"strategy", scenario.strategy.name},
                {"rounds", std::to_string(input.state.round)},
                {"void rounds", std::to_string(input.state.void_rounds)},
                {"seed", std::to_string(scenario.seed)},
                {"data seed", std::to_string(scenario.data.seed)},
                {"sent by clients", BytesText(static_cast<double>(input.totals.bytes_up))},
                {"sent to clients", BytesText(static_cast<double>(input.totals.bytes_down))},
                {"time", DurationText(input.totals.seconds)}};
  if (const std::string privacy = PrivacyText(scenario.privacy, input.state); !privacy.empty()) {
    page.facts.emplace_back("differential privacy", privacy);
  }
  page.charts = Curves(input.lines);
  page.config = ScenarioToToml(scenario);
  return page;
}

std::vector<ResultTable> FederatedResults(const std::optional<MetricTable>& test,
                                          const std::vector<int>& k) {
  std::vector<ResultTable> tables;
  std::string last;
  for (const std::string& name : test ? test->names : std::vector<std::string>()) {
    const std::string protocol = name.substr(0, name.find('/'));
    if (protocol == last) {
      continue;
    }
    last = protocol;
    ResultTable& table = tables.emplace_back(
        ResultTable{.title = ProtocolTitle(protocol),
                    .rows = {{.method = "federated model", .federated = true}}});
    table.note = std::to_string(test->users)
                 + " users; means of the clients' sums: single users are not seen, so there are no "
                   "intervals, and no baselines without pooled rows";
    for (const HeadlineMetric& metric : HeadlineMetrics(k)) {
      const auto value = test->Find(protocol + "/" + metric.name);
      table.metrics.push_back(metric.title);
      table.rows.front().cells.push_back({.value = value.value_or(std::nan(""))});
    }
  }
  return tables;
}

std::vector<HeadlineMetric> HeadlineMetrics(std::vector<int> k) {
  std::sort(k.rbegin(), k.rend());
  std::vector<HeadlineMetric> metrics;
  for (const int length : k) {
    const std::string at = "@" + std::to_string(length);
    metrics.push_back({.title = "NDCG" + at, .name = "ndcg" + at});
    metrics.push_back({.title = "HR" + at, .name = "hr" + at});
  }
  return metrics;
}

std::string ProtocolTitle(const std::string& protocol) {
  return protocol == "full" ? "Test split, full ranking"
                            : "Test split, " + protocol.substr(std::string("sampled").size())
                                  + " sampled negatives (for comparison with other publications)";
}

std::string TrustText(const std::string& mode) {
  static const std::map<std::string, std::string> kTexts = {
      {"in_process", "Simulation: all clients live in one process, which sees everything."},
      {"channel", "The coordinator sees each update as it arrives over TLS 1.3."},
      {"sealed",
       "Each update is sealed to the aggregation key; who holds it sees each update, and nobody "
       "between it and the client does."},
      {"masked",
       "The coordinator sees sums of at least privacy.min_clients clients, and no update of one."}};
  const auto found = kTexts.find(mode);
  return found == kTexts.end() ? "" : found->second;
}

}  // namespace rondo::coordinator
