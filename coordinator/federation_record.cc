#include "coordinator/federation_record.h"

#include <utility>

#include "common/core/file.h"
#include "common/crypto/sha256.h"
#include "common/io/json.h"
#include "common/io/report.h"
#include "common/io/text_table.h"
#include "coordinator/run_page.h"

namespace rondo::coordinator {
namespace {

ReportTable ClientTable(const std::vector<RemoteClientStatus>& clients) {
  ReportTable table{.title = "Since the last start of the coordinator",
                    .columns = {"client", "answers", "dropped", "sent", "received", "last error"},
                    .numeric = {false, true, true, true, true, false}};
  for (const RemoteClientStatus& client : clients) {
    table.rows.push_back({client.id,
                          std::to_string(client.contributions),
                          std::to_string(client.drops),
                          BytesText(static_cast<double>(client.bytes_up)),
                          BytesText(static_cast<double>(client.bytes_down)),
                          client.last_error});
  }
  return table;
}

/// How many clients were part of each round, and how long it took.
std::vector<ReportChart> RoundCharts(const std::vector<boost::json::object>& lines) {
  const LineChart clients{
      .id = "contributors",
      .title = "Clients",
      .description = "Clients invited to each round and those in its sum.",
      .x_label = "round",
      .y_label = "clients",
      .series = {Curve(lines, "in the sum", "contributors"), Curve(lines, "invited", "invited")},
      .from_zero = true};
  ChartSeries seconds{.name = "seconds"};
  for (const boost::json::object& line : lines) {
    if (line.contains("contributors")) {
      seconds.points.emplace_back(line.at("round").to_number<double>(),
                                  line.at("seconds").to_number<double>());
    }
  }
  const LineChart time{.id = "seconds",
                       .title = "Time of a round",
                       .description = "Seconds from the start of a round to its announcement.",
                       .x_label = "round",
                       .y_label = "seconds",
                       .series = {std::move(seconds)},
                       .from_zero = true};
  return {clients, time};
}

}  // namespace

Result<FederationRecord> FederationRecord::Open(const Federation& federation,
                                                const RunState& start) {
  RONDO_TRY(RunDirectory adopted, RunDirectory::Adopt(federation.settings.state));
  auto directory = std::make_unique<RunDirectory>(std::move(adopted));
  RONDO_TRY_STATUS(directory->WriteConfig(ScenarioToToml(federation.scenario)));
  RONDO_TRY_STATUS(directory->WriteMeta(MetaJson(federation.scenario, federation.catalogue)));
  RONDO_TRY(RunRecorder recorder,
            RunRecorder::Open(*directory, start, std::chrono::system_clock::now()));
  return FederationRecord(federation, std::move(directory), std::move(recorder));
}

RunTotals FederationRecord::TotalsOf(const End& end) const {
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started_;
  return recorder_.TotalsWith(seconds.count(), end.bytes_up, end.bytes_down);
}

std::optional<boost::json::object> FederationRecord::TestedSummary(
    const std::string& model_sha256) const {
  const auto text = ReadTextFile(directory_->path() / "summary.json");
  const auto parsed = text ? ParseJson(*text) : Result<boost::json::value>(Fail(text.error()));
  if (!parsed || !parsed->is_object()) {
    return std::nullopt;
  }
  const boost::json::object& summary = parsed->get_object();
  const boost::json::value* model = summary.if_contains("model");
  const boost::json::value* test = summary.if_contains("test");
  const bool same = model != nullptr && model->is_object() && model->get_object().contains("sha256")
                    && model->at("sha256") == boost::json::value(model_sha256);
  return same && test != nullptr && !test->is_null() ? std::optional(summary) : std::nullopt;
}

bool FederationRecord::HasTest(const RunState& state) const {
  const auto file = EncodeSelectedModel(federation_->Identity(), state);
  return file.has_value() && TestedSummary(Sha256Hex(*file)).has_value();
}

Result<boost::json::object> FederationRecord::Finish(const End& end) {
  RONDO_TRY(boost::json::object summary, WriteResults(end));
  // Curves with gaps must not pass for a whole record, but they cost nobody the results.
  RONDO_TRY_STATUS(recorder_.status());
  return summary;
}

Result<boost::json::object> FederationRecord::WriteResults(const End& end) const {
  const Scenario& scenario = federation_->scenario;
  RONDO_TRY(const std::string sha256,
            WriteSelectedModel(
                directory_->path(), federation_->Identity(), federation_->catalogue, end.state));
  // A finished run that was started again, say to hand its model to a late client, keeps its test.
  if (auto tested = TestedSummary(sha256)) {
    return *std::move(tested);
  }
  boost::json::object summary = SummaryJson({.scenario = scenario,
                                             .catalogue = federation_->catalogue,
                                             .state = end.state,
                                             .clients = end.clients.size(),
                                             .model_sha256 = sha256,
                                             .test = MetricsByProtocol(end.test),
                                             .totals = TotalsOf(end)});
  RONDO_TRY_STATUS(directory_->WriteSummary(summary));
  RONDO_TRY_STATUS(WriteReport(end, {}));
  return summary;
}

Status FederationRecord::Interrupt(const End& end, const Error& why) {
  return WriteReport(end, {"the run is not over: " + why.message});
}

Status FederationRecord::WriteReport(const End& end, std::vector<std::string> warnings) const {
  RONDO_TRY(const std::vector<boost::json::object> lines, directory_->ReadRounds());
  ReportInput page = RunPage({.scenario = federation_->scenario,
                              .state = end.state,
                              .clients = end.clients.size(),
                              .totals = TotalsOf(end),
                              .lines = lines});
  page.warnings = std::move(warnings);
  page.facts.emplace_back("items in the catalogue", std::to_string(federation_->catalogue.items()));
  page.results = FederatedResults(end.test, federation_->scenario.evaluation.k);
  for (ReportChart& chart : RoundCharts(lines)) {
    page.charts.push_back(std::move(chart));
  }
  page.client_tables = {ClientTable(end.clients)};
  return directory_->WriteReport(RenderReport(page));
}

}  // namespace rondo::coordinator
