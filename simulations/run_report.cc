#include "simulations/run_report.h"

#include <algorithm>

#include "common/io/progress.h"
#include "common/io/text_table.h"
#include "common/metrics/top_k.h"

namespace rondo::sim {
namespace {

constexpr std::size_t kShown = 5;

/// The titles of the last few events of a history, newest first.
std::string RecentTitles(History history, const Catalogue& catalogue) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, history.size()); ++i) {
    const ItemRow row = history[history.size() - 1 - i];
    text += (i == 0 ? "" : "; ") + (row > 0 ? catalogue.Title(row) : std::string("?"));
  }
  return text;
}

Result<std::string> RecommendationText(Experiment& experiment, const ParameterVector& model) {
  const Dataset& dataset = experiment.data.dataset;
  const Catalogue& catalogue = *dataset.catalogue;
  const UserSequence& user = dataset.users.front();
  RONDO_TRY(const std::unique_ptr<Scorer> scorer, MakeModelScorer(experiment.model, model));
  const History history = user.rows;
  RONDO_TRY(const auto lists,
            RecommendTop(*scorer, std::span(&history, 1), catalogue, {.k = kShown}));
  return "Recommendations for user " + user.user + ", who last chose "
         + RecentTitles(history, catalogue) + ":\n" + RecommendationTable(lists.front(), catalogue);
}

}  // namespace

Result<std::string> ComparisonText(const Comparison& comparison, const Experiment& experiment) {
  std::vector<TextTable::Column> columns;
  for (const std::string& title : ComparisonHeader()) {
    columns.push_back(
        {.title = title,
         .align = columns.empty() ? TextTable::Align::kLeft : TextTable::Align::kRight});
  }
  TextTable table(std::move(columns));
  RONDO_TRY(const std::vector<ComparisonRow> rows, ComparisonRows(comparison, experiment));
  for (const ComparisonRow& row : rows) {
    table.AddRow(row.cells);
  }
  return table.Render();
}

Result<std::string> RunReportText(const RunReportInput& input) {
  const coordinator::RunState& state = input.outcome.run.state;
  RONDO_TRY(std::string text, ComparisonText(input.comparison, input.experiment));
  text += "Test split, " + std::to_string(input.comparison.methods.front().means.users)
          + " users, full catalogue; the model of round " + std::to_string(state.selected_round())
          + " of " + std::to_string(state.round) + ", chosen on validation. Trust mode "
          + input.experiment.scenario.privacy.mode + ".\n\n";
  RONDO_TRY(const std::string recommendations,
            RecommendationText(input.experiment, state.selected_model()));
  text += recommendations + "\nRun of " + DurationText(input.seconds) + " in "
          + input.directory.path().string() + "\n";
  return text;
}

}  // namespace rondo::sim
