#include <algorithm>
#include <bit>

#include "common/io/report_style.h"
#include "common/io/svg.h"
#include "simulations/data_stats.h"

// The page of `data stats --html`: the main numbers, then one picture a question.

namespace rondo::sim {
namespace {

constexpr std::size_t kMostBars = 30;

std::string Fact(const std::string& name, const std::string& value) {
  return "<dt>" + EscapeXml(name) + "</dt><dd>" + EscapeXml(value) + "</dd>";
}

std::string Facts(const DataStats& stats) {
  const DataReport& report = stats.report;
  std::string facts;
  const auto add = [&](const std::string& name, std::uint64_t value) {
    facts += "<div>" + Fact(name, WithCommas(value)) + "</div>";
  };
  add("users", stats.users);
  add("items", stats.items);
  add("training rows", report.train_rows);
  add("validation rows", report.validation_rows);
  add("test rows, sealed", report.test_rows);
  add("broken rows", report.bad_rows);
  add("clients", stats.clients.size());
  return "<div class=\"card\"><dl class=\"facts\">" + facts + "</dl></div>\n";
}

std::string Card(const std::string& title, const std::string& note, const std::string& chart) {
  return "<section class=\"card\"><h3>" + EscapeXml(title) + "</h3><p class=\"note\">"
         + EscapeXml(note) + "</p><figure>" + chart + "</figure></section>\n";
}

/// Counts values by powers of two: 0, 1, 2 to 3, 4 to 7, ...; empty bins below the first value are
/// left out.
void CountByDoubling(const std::vector<std::uint64_t>& values, Histogram& chart) {
  std::vector<double> counts;
  for (const std::uint64_t value : values) {
    const auto bin = static_cast<std::size_t>(std::bit_width(value));
    counts.resize(std::max(counts.size(), bin + 1));
    counts[bin] += 1.0;
  }
  const auto filled =
      std::find_if(counts.begin(), counts.end(), [](double count) { return count > 0.0; });
  const auto first = static_cast<std::size_t>(filled - counts.begin());
  chart.counts.assign(filled, counts.end());
  for (std::size_t bin = first; bin <= counts.size(); ++bin) {
    chart.edges.push_back(bin == 0 ? 0.0 : static_cast<double>(std::uint64_t{1} << (bin - 1)));
  }
}

std::string UserPicture(const DataStats& stats) {
  Histogram chart{.id = "user-events",
                  .title = "Events of a user",
                  .description = "Users by the number of their training and validation events.",
                  .x_label = "events",
                  .y_label = "users"};
  CountByDoubling(stats.user_events, chart);
  return Card(
      chart.title,
      "Users by the number of their visible events; each bar is twice as wide as the one before",
      RenderSvg(chart));
}

std::string ItemPicture(const DataStats& stats) {
  Histogram chart{.id = "item-rows",
                  .title = "Popularity of items",
                  .description = "Items by the number of their training rows.",
                  .x_label = "training rows",
                  .y_label = "items"};
  CountByDoubling(stats.item_events, chart);
  return Card(chart.title,
              "Items by the number of their training rows; the top tenth of items has "
                  + Percent(stats.head_share),
              RenderSvg(chart));
}

std::string OrderPicture(const DataReport& report) {
  const BarChart chart{
      .id = "order",
      .title = "Order and catalogue",
      .description = "Shares of ties, of users in item order and of targets outside the catalogue.",
      .x_label = "percent",
      .bars = {{.label = "events tied in time", .value = 100.0 * report.tied_share},
               {.label = "users in item order", .value = 100.0 * report.users_sorted_by_item},
               {.label = "test targets outside", .value = 100.0 * report.test_targets_outside}},
      .digits = 1};
  return Card(
      chart.title,
      "Ties and item order make file order doubtful; targets outside the catalogue are misses",
      RenderSvg(chart));
}

std::string ClientPicture(const DataStats& stats) {
  const std::string note = WithCommas(stats.clients.size()) + " clients by " + stats.clients_rule;
  if (stats.clients.size() > kMostBars) {
    Histogram chart{.id = "clients",
                    .title = "Sizes of clients",
                    .description = "Clients by the number of their training rows.",
                    .x_label = "training rows",
                    .y_label = "clients"};
    std::vector<std::uint64_t> rows;
    for (const ClientSize& client : stats.clients) {
      rows.push_back(client.rows);
    }
    CountByDoubling(rows, chart);
    return Card(chart.title, note, RenderSvg(chart));
  }
  BarChart chart{.id = "clients",
                 .title = "Sizes of clients",
                 .description = "Training rows of each client.",
                 .x_label = "training rows",
                 .digits = 0};
  for (const ClientSize& client : stats.clients) {
    chart.bars.push_back({.label = client.id, .value = static_cast<double>(client.rows)});
  }
  return Card(chart.title, note, RenderSvg(chart));
}

}  // namespace

std::string StatsPage(const DataStats& stats) {
  std::string page =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\"><title>Data report</title><style>";
  page += std::string(detail::kReportStyle)
          + "</style></head><body>\n<header><h1>Data report</h1><p class=\"lead\">"
          + EscapeXml(stats.path) + "</p></header>\n<main>\n" + Facts(stats);
  for (const std::string& warning : stats.report.warnings) {
    page += "<p class=\"warning\">" + EscapeXml(warning) + "</p>\n";
  }
  page += "<div class=\"grid\">" + UserPicture(stats) + ItemPicture(stats)
          + OrderPicture(stats.report) + ClientPicture(stats) + "</div>\n";
  // Line by line: control characters, line ends among them, do not survive the escape.
  std::string numbers;
  const std::string text = StatsText(stats);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    numbers += EscapeXml(text.substr(begin, end - begin)) + "\n";
    begin = end + 1;
  }
  return page + "<h2>All numbers</h2><section class=\"card\"><pre>" + numbers
         + "</pre></section>\n</main></body></html>\n";
}

}  // namespace rondo::sim
