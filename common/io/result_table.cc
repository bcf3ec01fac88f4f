#include "common/io/result_table.h"

#include <algorithm>
#include <cmath>

#include "common/io/text_table.h"

namespace rondo {

std::string VerdictText(Verdict verdict) {
  switch (verdict) {
    case Verdict::kBetter:
      return "better";
    case Verdict::kWorse:
      return "worse";
    case Verdict::kWithinNoise:
      return "within noise";
    case Verdict::kNone:
      break;
  }
  return "";
}

std::string VerdictLegend(const ResultTable& table) {
  for (const MethodResult& row : table.rows) {
    for (const MetricCell& cell : row.cells) {
      if (cell.verdict != Verdict::kNone) {
        return "Better and worse: than the federated model on the same users; within noise: the 95 "
               "% interval of "
               "the paired difference contains 0.";
      }
    }
  }
  return "";
}

std::string RenderText(const ResultTable& table) {
  std::vector<TextTable::Column> columns = {{table.title, TextTable::Align::kLeft}};
  for (std::size_t metric = 0; metric < table.metrics.size(); ++metric) {
    const auto cell_is_compared = [metric](const MethodResult& row) {
      return metric < row.cells.size() && row.cells[metric].verdict != Verdict::kNone;
    };
    columns.push_back({table.metrics[metric]});
    columns.push_back({"95 % interval", TextTable::Align::kLeft});
    if (std::any_of(table.rows.begin(), table.rows.end(), cell_is_compared)) {
      columns.push_back({"", TextTable::Align::kLeft});
    }
  }
  TextTable text(columns);
  for (const MethodResult& row : table.rows) {
    std::vector<std::string> cells = {row.method + (row.note.empty() ? "" : " (" + row.note + ")")};
    std::size_t column = 1;
    for (std::size_t metric = 0; metric < table.metrics.size(); ++metric) {
      const MetricCell cell = metric < row.cells.size() ? row.cells[metric] : MetricCell();
      const bool has_interval = std::isfinite(cell.low) && std::isfinite(cell.high);
      cells.push_back(FixedText(cell.value, 4));
      cells.push_back(has_interval ? FixedText(cell.low, 4) + " .. " + FixedText(cell.high, 4)
                                   : "");
      column += 2;
      if (column < columns.size() && columns[column].title.empty()) {
        cells.push_back(VerdictText(cell.verdict));
        ++column;
      }
    }
    text.AddRow(std::move(cells));
  }
  std::string rendered = text.Render();
  for (const std::string& line : {table.note, VerdictLegend(table)}) {
    rendered += line.empty() ? "" : line + "\n";
  }
  return rendered;
}

}  // namespace rondo
