#include <algorithm>
#include <bit>
#include <numeric>

#include "common/io/report_style.h"
#include "common/io/svg.h"
#include "simulations/data_stats.h"

// The page of `data stats --html`: the main numbers, then one picture a question.

namespace rondo::sim {
namespace {

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

/// How much of all rows the most popular items have.
ReportChart PopularityCurve(const DataStats& stats) {
  constexpr std::size_t kSteps = 100;
  LineChart chart{.id = "popularity",
                  .title = "Popularity curve",
                  .description =
                      "The share of all training rows that this share of the items has, "
                      "the most popular first. Were all equally popular, it would be the "
                      "diagonal.",
                  .x_label = "share of items",
                  .y_label = "share of rows",
                  .series = {{.name = "items"}, {.name = "equally popular"}},
                  .from_zero = true};
  const std::size_t items = stats.item_events.size();
  const auto all = static_cast<double>(
      std::accumulate(stats.item_events.begin(), stats.item_events.end(), std::uint64_t{0}));
  if (items == 0 || all == 0.0) {
    return chart;
  }
  const std::size_t steps = std::min(items, kSteps);
  std::size_t item = 0;
  double sum = 0.0;
  for (std::size_t step = 0; step <= steps; ++step) {
    for (; item < step * items / steps; ++item) {
      sum += static_cast<double>(stats.item_events[item]);
    }
    const double share = static_cast<double>(item) / static_cast<double>(items);
    chart.series[0].points.emplace_back(share, sum / all);
  }
  chart.series[1].points = {{0.0, 0.0}, {1.0, 1.0}};
  return chart;
}

/// How many of the items each client knows.
ReportChart ClientItems(const DataStats& stats) {
  const std::string title = "Items of a client";
  if (stats.clients.size() > kMostPictured) {
    Histogram chart{.id = "client-items",
                    .title = title,
                    .description =
                        "Clients by the number of different items in their training rows; "
                        "each bar is twice as wide as the one before.",
                    .x_label = "items",
                    .y_label = "clients"};
    std::vector<std::uint64_t> items;
    for (const ClientSize& client : stats.clients) {
      items.push_back(client.items);
    }
    CountByDoubling(items, chart);
    return chart;
  }
  BarChart chart{.id = "client-items",
                 .title = title,
                 .description = "Different items in the training rows of each client, of "
                                + WithCommas(stats.items) + " in the catalogue.",
                 .x_label = "items",
                 .digits = 0};
  for (const ClientSize& client : stats.clients) {
    chart.bars.push_back({.label = client.id, .value = static_cast<double>(client.items)});
  }
  return chart;
}

HeatMap OverlapMap(const DataStats& stats) {
  HeatMap chart{.id = "overlap",
                .title = "Overlap of the clients' items",
                .description =
                    "Of the items in the training rows of the client on the left, the "
                    "share that the client above has, too.",
                .x_label = "has them, too",
                .y_label = "items of",
                .values = stats.overlap};
  for (const ClientSize& client : stats.clients) {
    chart.columns.push_back(client.id);
    chart.rows.push_back(client.id);
  }
  return chart;
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
  if (stats.clients.size() > kMostPictured) {
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

std::vector<ReportChart> PartitionCharts(const DataStats& stats) {
  std::vector<ReportChart> charts = {PopularityCurve(stats), ClientItems(stats)};
  if (!stats.overlap.empty()) {
    charts.push_back(OverlapMap(stats));
  }
  return charts;
}

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
          + OrderPicture(stats.report) + ClientPicture(stats);
  for (const ReportChart& chart : PartitionCharts(stats)) {
    page += ChartHtml(chart);
  }
  page += "</div>\n";
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
