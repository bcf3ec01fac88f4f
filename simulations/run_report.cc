#include "simulations/run_report.h"

#include <algorithm>

#include "common/core/file.h"
#include "common/io/progress.h"
#include "common/io/report.h"
#include "common/io/text_table.h"
#include "common/metrics/top_k.h"
#include "coordinator/run_files.h"
#include "coordinator/run_page.h"

namespace rondo::sim {
namespace {

constexpr std::size_t kShown = 5;

struct Shown {
  RecommendationList page;
  std::string text;
};

/// The user in the middle of the list of users, ordered by length of history: neither a newcomer
/// nor an addict.
const UserSequence& TypicalUser(const Dataset& dataset) {
  std::vector<const UserSequence*> users;
  for (const UserSequence& user : dataset.users) {
    users.push_back(&user);
  }
  const auto middle = users.begin() + static_cast<std::ptrdiff_t>(users.size() / 2);
  std::nth_element(
      users.begin(), middle, users.end(), [](const UserSequence* a, const UserSequence* b) {
        return std::pair(a->rows.size(), a->user) < std::pair(b->rows.size(), b->user);
      });
  return **middle;
}

Result<Shown> Recommend(Experiment& experiment, const ParameterVector& model) {
  const Catalogue& catalogue = *experiment.data.dataset.catalogue;
  const UserSequence& user = TypicalUser(experiment.data.dataset);
  RONDO_TRY(const std::unique_ptr<Scorer> scorer, MakeModelScorer(experiment.model, model));
  const UserHistory known = HistoryOf(user);
  const History history = known.rows;
  RONDO_TRY(const auto lists,
            RecommendTop(*scorer, std::span(&known, 1), catalogue, {.k = kShown}));
  Shown shown{.page = {.user = user.user}};
  std::string recent;
  for (const ItemRow row : history.last(std::min(kShown, history.size()))) {
    shown.page.history.push_back(row > 0 ? catalogue.Title(row) : "an item outside the catalogue");
    recent += (recent.empty() ? "" : "; ") + shown.page.history.back();
  }
  for (const ScoredItem& item : lists.front()) {
    shown.page.items.push_back(
        {.item = catalogue.id(item.row), .title = catalogue.Title(item.row), .score = item.score});
  }
  shown.text = "Recommendations for user " + user.user + ", whose latest choices are: " + recent
               + "\n" + RecommendationTable(lists.front(), catalogue);
  return shown;
}

ReportTable DataTable(const Experiment& experiment) {
  const DataReport& report = experiment.data.report;
  const Dataset& dataset = experiment.data.dataset;
  ReportTable table{.title = "Data", .columns = {"what", "value"}, .numeric = {false, true}};
  table.rows = {
      {"users", std::to_string(dataset.users.size())},
      {"items in the catalogue", std::to_string(dataset.catalogue->items())},
      {"clients", std::to_string(experiment.shards.size())},
      {"clients without a training position", std::to_string(experiment.idle_clients)},
      {"rows read", std::to_string(report.rows)},
      {"broken rows left out", std::to_string(report.bad_rows)},
      {"users left out", std::to_string(report.users_dropped)},
      {"neighbouring events with equal time", FixedText(100.0 * report.tied_share, 1) + " %"},
      {"test targets outside the catalogue (misses)",
       FixedText(100.0 * report.test_targets_outside, 2) + " %"},
      {"split", experiment.scenario.data.split}};
  return table;
}

std::string AttackText(const AttackReport& report) {
  std::string text =
      report.name + " by " + std::to_string(report.hostile) + " clients; item " + report.target;
  for (const auto& [k, rate] : report.exposure) {
    text += ", ER@" + std::to_string(k) + " " + FixedText(rate, 4);
  }
  return text;
}

std::string PrivacyLine(const PrivacyConfig& config, const coordinator::RunState& state) {
  const std::string text = coordinator::PrivacyText(config, state);
  return text.empty() ? "" : "Differential privacy: " + text + ".\n";
}

ReportInput PageOf(const RunReportInput& input,
                   std::vector<ResultTable> tables,
                   const Shown& shown,
                   const std::vector<boost::json::object>& lines) {
  ReportInput page = coordinator::RunPage({.scenario = input.experiment.scenario,
                                           .state = input.state,
                                           .clients = input.experiment.shards.size(),
                                           .totals = input.totals,
                                           .lines = lines});
  const std::string& blas = input.experiment.device.blas;
  page.facts.emplace_back("BLAS", blas.substr(0, blas.find(" (")));  // meta.json has the path
  page.facts.emplace_back("device", input.experiment.device.device);
  if (input.experiment.scenario.devices.virtual_clock) {
    page.facts.emplace_back("simulated time", DurationText(SimulatedSeconds(input.state)));
  }
  if (input.comparison.attack) {
    page.facts.emplace_back("attack", AttackText(*input.comparison.attack));
  }
  page.warnings = input.experiment.data.report.warnings;
  page.results = std::move(tables);
  page.recommendations = {shown.page};
  page.data_tables = {DataTable(input.experiment)};
  return page;
}

}  // namespace

ResultTable HeadlineOf(ResultTable table) {
  constexpr std::size_t kColumns =
      2;  // NDCG and HR at the largest k: what a terminal has room for.
  table.metrics.resize(std::min(table.metrics.size(), kColumns));
  for (MethodResult& row : table.rows) {
    row.cells.resize(table.metrics.size());
  }
  return table;
}

Result<std::string> WriteRunReport(const RunReportInput& input) {
  const coordinator::RunState& state = input.state;
  RONDO_TRY(const std::vector<ResultTable> tables, TestTables(input.comparison, input.experiment));
  RONDO_TRY(const Shown shown, Recommend(input.experiment, state.selected_model()));
  RONDO_TRY(const std::vector<boost::json::object> lines, input.rounds.ReadRounds());
  RONDO_TRY_STATUS(WriteTextFile(input.report, RenderReport(PageOf(input, tables, shown, lines))));
  return RenderText(HeadlineOf(tables.front())) + "\n" + shown.text + "\nThe model of round "
         + std::to_string(state.selected_round()) + " of " + std::to_string(state.round)
         + (state.SelectsBest() ? " was chosen on validation" : " counts")
         + ". Trust mode: " + input.experiment.scenario.privacy.mode + ".\n"
         + PrivacyLine(input.experiment.scenario.privacy, state)
         + (input.experiment.scenario.devices.virtual_clock
                ? "Simulated time of the rounds: " + DurationText(SimulatedSeconds(state)) + ".\n"
                : "")
         + (input.comparison.attack ? "Attack: " + AttackText(*input.comparison.attack) + ".\n"
                                    : "")
         + "Report: " + input.report.string() + "\n";
}

}  // namespace rondo::sim
