#include "common/io/report.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "common/io/report_style.h"
#include "common/io/text_table.h"

namespace rondo {
namespace {

std::string Tag(const std::string& name,
                const std::string& text,
                const std::string& attributes = "") {
  return "<" + name + attributes + ">" + EscapeXml(text) + "</" + name + ">";
}

/// A wide table scrolls inside its own region, which the keyboard reaches.
std::string Scrollable(const std::string& label, const std::string& content) {
  return "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"" + EscapeXml(label)
         + "\">" + content + "</div>";
}

std::string TableHtml(const ReportTable& table, bool with_caption) {
  const auto css = [&](std::size_t column) {
    return column < table.numeric.size() && table.numeric[column] ? std::string(" class=\"num\"")
                                                                  : std::string();
  };
  std::string html = "<table>";
  html += with_caption ? Tag("caption", table.title) : "";
  html += "<thead><tr>";
  for (std::size_t column = 0; column < table.columns.size(); ++column) {
    html += Tag("th", table.columns[column], " scope=\"col\"" + css(column));
  }
  html += "</tr></thead><tbody>";
  for (std::size_t number = 0; number < table.rows.size(); ++number) {
    const std::vector<std::string>& row = table.rows[number];
    html += "<tr>";
    for (std::size_t column = 0; column < row.size(); ++column) {
      const bool strong =
          std::find(table.strong.begin(), table.strong.end(), std::pair(number, column))
          != table.strong.end();
      const std::string text = strong ? Tag("strong", row[column]) : EscapeXml(row[column]);
      html += column == 0 ? "<th scope=\"row\"" + css(column) + ">" + text + "</th>"
                          : "<td" + css(column) + ">" + text + "</td>";
    }
    html += "</tr>";
  }
  html += "</tbody></table>";
  return Scrollable(table.title, html);
}

std::string MetricHtml(const MetricCell& cell) {
  std::string html = EscapeXml(FixedText(cell.value, 4));
  if (std::isfinite(cell.low) && std::isfinite(cell.high)) {
    html += " <span class=\"ci\">[" + FixedText(cell.low, 4) + ", " + FixedText(cell.high, 4)
            + "]</span>";
  }
  if (cell.verdict != Verdict::kNone) {
    const std::string css = cell.verdict == Verdict::kBetter  ? " better"
                            : cell.verdict == Verdict::kWorse ? " worse"
                                                              : "";
    html += Tag("span", VerdictText(cell.verdict), " class=\"verdict" + css + "\"");
  }
  return html;
}

BarChart ResultBars(const ResultTable& table, std::size_t metric, std::size_t number) {
  BarChart chart{.id = "result-" + std::to_string(number),
                 .title = table.title + ": " + table.metrics[metric],
                 .description = table.metrics[metric] + " of each method with its 95 % interval; the table beside it "
                                "holds the numbers.",
                 .x_label = table.metrics[metric],
                 .bars = {},
                 .digits = 3};
  for (const MethodResult& row : table.rows) {
    if (metric >= row.cells.size() || !std::isfinite(row.cells[metric].value)) {
      continue;
    }
    const MetricCell& cell = row.cells[metric];
    Bar bar{
        .label = row.method, .value = cell.value, .low = {}, .high = {}, .emphasis = row.federated};
    if (std::isfinite(cell.low) && std::isfinite(cell.high)) {
      bar.low = cell.low;
      bar.high = cell.high;
    }
    chart.bars.push_back(std::move(bar));
  }
  return chart;
}

std::string ResultHtml(const ResultTable& table, std::size_t number) {
  std::string html = "<table><thead><tr><th scope=\"col\">Method</th>";
  for (const std::string& metric : table.metrics) {
    html += Tag("th", metric, " scope=\"col\" class=\"num\"");
  }
  html += "</tr></thead><tbody>";
  for (const MethodResult& row : table.rows) {
    html += row.federated ? "<tr class=\"own\">" : "<tr>";
    html += "<th scope=\"row\">" + EscapeXml(row.method);
    html += row.note.empty() ? "" : Tag("span", row.note, " class=\"verdict\"");
    html += "</th>";
    for (std::size_t metric = 0; metric < table.metrics.size(); ++metric) {
      const MetricCell cell = metric < row.cells.size() ? row.cells[metric] : MetricCell();
      html += "<td class=\"num\">" + MetricHtml(cell) + "</td>";
    }
    html += "</tr>";
  }
  html += "</tbody></table>";
  std::string card =
      "<div class=\"card\">" + Tag("h3", table.title) + Scrollable(table.title, html);
  for (const std::string& note : {table.note, VerdictLegend(table)}) {
    card += note.empty() ? "" : Tag("p", note, " class=\"note\"");
  }
  if (!table.metrics.empty() && table.rows.size() > 1) {
    card += "<figure>" + RenderSvg(ResultBars(table, 0, number)) + "</figure>";
  }
  return card + "</div>";
}

std::string ChartGrid(const std::vector<ReportChart>& charts) {
  std::string html;
  for (const ReportChart& chart : charts) {
    html += ChartHtml(chart);
  }
  return html.empty() ? "" : "<div class=\"grid\">" + html + "</div>";
}

std::string RecommendationHtml(const RecommendationList& list) {
  std::string html = "<div class=\"card\">" + Tag("h3", "For user " + list.user);
  if (!list.history.empty()) {
    std::string titles;
    for (const std::string& title : list.history) {
      titles += (titles.empty() ? "" : "; ") + title;
    }
    html += Tag("p", "Most recent, newest last: " + titles, " class=\"note\"");
  }
  ReportTable table{.title = "Recommendations for user " + list.user,
                    .note = "",
                    .columns = {"Rank", "Title", "Item", "Score"},
                    .numeric = {false, false, false, true},
                    .rows = {}};
  const bool has_reasons =
      std::any_of(list.items.begin(), list.items.end(), [](const RecommendedItem& item) {
        return !item.reason.empty();
      });
  if (has_reasons) {
    table.columns.emplace_back("Reason");
  }
  for (const RecommendedItem& item : list.items) {
    table.rows.push_back({std::to_string(table.rows.size() + 1),
                          item.title.empty() ? item.item : item.title,
                          item.item,
                          FixedText(item.score, 3)});
    if (has_reasons) {
      table.rows.back().push_back(item.reason);
    }
  }
  return html + TableHtml(table, false) + "</div>";
}

/// Sections in order, with the links of the navigation.
class Page {
 public:
  void AddSection(const std::string& id, const std::string& title, const std::string& content) {
    if (content.empty()) {
      return;
    }
    links_ += "<li><a href=\"#" + id + "\">" + EscapeXml(title) + "</a></li>";
    sections_ += "<section aria-labelledby=\"" + id + "\">" + Tag("h2", title, " id=\"" + id + "\"")
                 + content + "</section>\n";
  }

  std::string Navigation() const {
    return "<nav aria-label=\"Contents\"><ul>" + links_ + "</ul></nav>";
  }

  const std::string& sections() const { return sections_; }

 private:
  std::string links_;
  std::string sections_;
};

std::string FactsHtml(const ReportInput& input) {
  std::string html;
  for (const auto& [name, value] : input.facts) {
    html += "<div>" + Tag("dt", name) + Tag("dd", value) + "</div>";
  }
  return html.empty() ? "" : "<div class=\"card\"><dl class=\"facts\">" + html + "</dl></div>";
}

std::string TableCards(const std::vector<ReportTable>& tables) {
  std::string html;
  for (const ReportTable& table : tables) {
    html += "<div class=\"card\">" + Tag("h3", table.title) + TableHtml(table, false)
            + (table.note.empty() ? "" : Tag("p", table.note, " class=\"note\"")) + "</div>";
  }
  return html;
}

std::string HeaderHtml(const ReportInput& input, const Page& page) {
  std::string html = "<header>" + Tag("h1", input.name);
  html += input.lead.empty() ? "" : Tag("p", input.lead, " class=\"lead\"");
  if (!input.trust_mode.empty()) {
    html += "<p><span class=\"badge\">trust mode: " + EscapeXml(input.trust_mode) + "</span> "
            + Tag("span", input.trust_text, " class=\"note\"") + "</p>";
  }
  for (const std::string& warning : input.warnings) {
    html += "<p class=\"warning\"><strong>Note:</strong> " + EscapeXml(warning) + "</p>";
  }
  return html + page.Navigation() + "</header>\n";
}

std::vector<std::string> Numbers(std::initializer_list<double> values) {
  std::vector<std::string> texts;
  for (const double value : values) {
    texts.push_back(TickText(value));
  }
  return texts;
}

struct TableMaker {
  ReportTable operator()(const LineChart& chart) const {
    ReportTable table{.title = chart.title,
                      .note = "",
                      .columns = {chart.x_label},
                      .numeric = {true},
                      .rows = {}};
    std::map<double, std::vector<std::string>> rows;
    for (std::size_t i = 0; i < chart.series.size(); ++i) {
      table.columns.push_back(chart.series[i].name);
      table.numeric.push_back(true);
      for (const auto& [x, y] : chart.series[i].points) {
        std::vector<std::string>& row = rows[x];
        row.resize(chart.series.size());
        row[i] = std::isfinite(y) ? TickText(y) : "-";
      }
      for (const ChartBand& band : chart.series[i].band) {
        std::vector<std::string>& row = rows[band.x];
        row.resize(chart.series.size());
        row[i] += " (" + TickText(band.low) + " to " + TickText(band.high) + ")";
      }
    }
    for (auto& [x, row] : rows) {
      row.insert(row.begin(), TickText(x));
      table.rows.push_back(std::move(row));
    }
    return table;
  }

  ReportTable operator()(const BarChart& chart) const {
    ReportTable table{.title = chart.title,
                      .note = "",
                      .columns = {"", chart.x_label, "from", "to"},
                      .numeric = {false, true, true, true},
                      .rows = {}};
    for (const Bar& bar : chart.bars) {
      table.rows.push_back({bar.label,
                            TickText(bar.value),
                            bar.low ? TickText(*bar.low) : "",
                            bar.high ? TickText(*bar.high) : ""});
    }
    return table;
  }

  ReportTable operator()(const Histogram& chart) const {
    ReportTable table{.title = chart.title,
                      .note = "",
                      .columns = {chart.x_label + " from", "to", chart.y_label},
                      .numeric = {true, true, true},
                      .rows = {}};
    for (std::size_t i = 0; i < chart.counts.size() && i + 1 < chart.edges.size(); ++i) {
      table.rows.push_back(Numbers({chart.edges[i], chart.edges[i + 1], chart.counts[i]}));
    }
    return table;
  }

  ReportTable operator()(const HeatMap& chart) const {
    ReportTable table{
        .title = chart.title, .note = "", .columns = {""}, .numeric = {false}, .rows = {}};
    table.columns.insert(table.columns.end(), chart.columns.begin(), chart.columns.end());
    table.numeric.resize(table.columns.size(), true);
    for (std::size_t i = 0; i < chart.rows.size(); ++i) {
      std::vector<std::string>& row = table.rows.emplace_back();
      row.push_back(chart.rows[i]);
      for (const double value : chart.values[i]) {
        row.push_back(CellText(chart, value));
      }
    }
    return table;
  }
};

}  // namespace

std::string ChartHtml(const ReportChart& chart) {
  const auto& [title, description] =
      std::visit([](const auto& some) { return std::pair(some.title, some.description); }, chart);
  const std::string picture = std::visit([](const auto& some) { return RenderSvg(some); }, chart);
  return "<figure class=\"card\">" + Tag("h3", title) + picture + Tag("figcaption", description)
         + "<details><summary>Numbers as a table</summary>" + TableHtml(ChartTable(chart), false)
         + "</details></figure>";
}

ReportTable ChartTable(const ReportChart& chart) {
  return std::visit(TableMaker{}, chart);
}

std::string RenderReport(const ReportInput& input) {
  Page page;
  std::string results;
  for (std::size_t i = 0; i < input.results.size(); ++i) {
    results += ResultHtml(input.results[i], i + 1);
  }
  std::string recommendations;
  for (const RecommendationList& list : input.recommendations) {
    recommendations += RecommendationHtml(list);
  }
  page.AddSection("summary", "Summary", FactsHtml(input));
  page.AddSection("results", "Results", results + TableCards(input.result_tables));
  page.AddSection("training", "Training", ChartGrid(input.charts));
  page.AddSection(
      "clients", "Clients", TableCards(input.client_tables) + ChartGrid(input.client_charts));
  page.AddSection("recommendations", "Recommendations", recommendations);
  page.AddSection("data", "Data", TableCards(input.data_tables) + ChartGrid(input.data_charts));
  page.AddSection("configuration",
                  "Configuration",
                  input.config.empty()
                      ? ""
                      : "<div class=\"card\"><details><summary>config.toml</summary>"
                            + Scrollable("config.toml", Tag("pre", input.config))
                            + "</details></div>");
  std::string html = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">";
  html +=
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">";
  html += "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">";
  html +=
      Tag("title", input.name + " - Rondo report") + "<style>" + std::string(detail::kReportStyle);
  html += "</style></head>\n<body><a class=\"skip\" href=\"#content\">Skip to the content</a>\n";
  html += HeaderHtml(input, page) + "<main id=\"content\">\n" + page.sections() + "</main>\n";
  return html + "<footer>Made by Rondo. This page holds everything it shows and asks nothing of the network.</footer>"
         + "</body></html>\n";
}

}  // namespace rondo
