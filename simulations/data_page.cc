#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "simulations/data_stats.h"

// The page of `data stats --html`: tiles with the main numbers, then one SVG picture a question.

namespace rondo::sim {
namespace {

constexpr double kWidth = 560.0;
constexpr double kHeight = 250.0;
constexpr double kLeft = 62.0;
constexpr double kBottom = 46.0;
constexpr double kTop = 14.0;
constexpr double kRight = 14.0;
constexpr std::size_t kMostBars = 40;

constexpr const char* kStyle = R"(<style>
:root{--ink:#1c2330;--soft:#667085;--line:#d9dee7;--fill:#3367d6;--page:#f6f7f9;--card:#fff;--warn:#b54708}
@media(prefers-color-scheme:dark){:root{--ink:#e8ebf0;--soft:#98a2b3;--line:#343c4a;--fill:#7aa2f7;--page:#12161d;--card:#1b212b;--warn:#fdb022}}
body{margin:0 auto;max-width:1240px;padding:24px;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:22px;overflow-wrap:anywhere}h2{font-size:16px;margin:0 0 4px}p{margin:0 0 8px;color:var(--soft)}
.tiles,.charts{display:grid;gap:14px;grid-template-columns:repeat(auto-fit,minmax(150px,1fr))}
.charts{grid-template-columns:repeat(auto-fit,minmax(min(100%,500px),1fr));margin-top:14px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px}
.tile b{display:block;font-size:22px}.tile span{color:var(--soft)}.warn{color:var(--warn)}
svg{width:100%;height:auto}svg text{fill:var(--soft);font-size:11px}svg .bar{fill:var(--fill)}
svg .curve{fill:none;stroke:var(--fill);stroke-width:2}svg .axis{stroke:var(--line)}pre{overflow-x:auto}
</style>)";

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

std::string Number(double value) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.5g", value);
  return text.data();
}

std::string Text(double x, double y, const char* anchor, const std::string& words) {
  return "<text x=\"" + Number(x) + "\" y=\"" + Number(y) + "\" text-anchor=\"" + anchor + "\">"
         + Escaped(words) + "</text>";
}

std::string Rule(double x1, double y1, double x2, double y2) {
  return "<line class=\"axis\" x1=\"" + Number(x1) + "\" y1=\"" + Number(y1) + "\" x2=\""
         + Number(x2) + "\" y2=\"" + Number(y2) + "\"/>";
}

std::string Frame(const std::string& name, const std::string& body) {
  return "<svg viewBox=\"0 0 " + Number(kWidth) + " " + Number(kHeight)
         + "\" role=\"img\" aria-label=\"" + Escaped(name) + "\">" + body + "</svg>";
}

std::string Card(const std::string& title, const std::string& note, const std::string& body) {
  return "<section class=\"card\"><h2>" + Escaped(title) + "</h2><p>" + Escaped(note) + "</p>"
         + body + "</section>\n";
}

/// A round number at or above `value`, for the top of an axis.
double NiceCeiling(double value) {
  const double scale = std::pow(10.0, std::floor(std::log10(std::max(value, 1.0))));
  for (const double step : {1.0, 2.0, 2.5, 5.0, 10.0}) {
    if (step * scale >= value) {
      return step * scale;
    }
  }
  return value;
}

struct Bar {
  std::string label;
  double value = 0.0;
};

std::string Bars(const std::string& name, const std::vector<Bar>& bars, const std::string& x_name) {
  double most = 1.0;
  for (const Bar& bar : bars) {
    most = std::max(most, bar.value);
  }
  const double top = NiceCeiling(most);
  const double floor = kHeight - kBottom;
  const auto y_of = [&](double value) {
    return floor - value / top * (floor - kTop);
  };
  std::string body;
  for (const double share : {0.0, 0.5, 1.0}) {
    body += Rule(kLeft, y_of(share * top), kWidth - kRight, y_of(share * top));
    body += Text(kLeft - 6, y_of(share * top) + 4, "end", Number(share * top));
  }
  const double step =
      (kWidth - kLeft - kRight) / static_cast<double>(std::max<std::size_t>(bars.size(), 1));
  const std::size_t every = 1 + (bars.size() - 1) / 10;
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const double x = kLeft + step * static_cast<double>(i);
    body += "<rect class=\"bar\" x=\"" + Number(x + 0.1 * step) + "\" y=\""
            + Number(y_of(bars[i].value)) + "\" width=\"" + Number(0.8 * step) + "\" height=\""
            + Number(floor - y_of(bars[i].value)) + "\"><title>" + Escaped(bars[i].label) + ": "
            + Number(bars[i].value) + "</title></rect>";
    if (i % every == 0) {
      body += Text(x + step / 2, floor + 15, "middle", bars[i].label.substr(0, 12));
    }
  }
  body += Text(kLeft + (kWidth - kLeft - kRight) / 2, kHeight - 8, "middle", x_name);
  return Frame(name, body);
}

/// Counts by powers of two: 1, 2-3, 4-7, ...
std::vector<Bar> Histogram(const std::vector<std::uint64_t>& values) {
  std::vector<Bar> bars;
  for (const std::uint64_t value : values) {
    std::size_t bin = 0;
    while ((value >> (bin + 1)) > 0) {
      ++bin;
    }
    if (bars.size() <= bin) {
      bars.resize(bin + 1);
    }
    bars[bin].value += 1.0;
  }
  for (std::size_t b = 0; b < bars.size(); ++b) {
    const std::uint64_t first = b == 0 ? 1 : std::uint64_t{1} << b;
    const std::uint64_t last = (std::uint64_t{1} << (b + 1)) - 1;
    bars[b].label =
        first == last ? std::to_string(first) : std::to_string(first) + "-" + std::to_string(last);
  }
  const auto filled =
      std::find_if(bars.begin(), bars.end(), [](const Bar& bar) { return bar.value > 0.0; });
  bars.erase(bars.begin(), filled);
  return bars;
}

/// Rows of an item against its rank, both logarithmic; `counts` descending.
std::string PopularityCurve(const std::vector<std::uint64_t>& counts) {
  const double right = std::log10(std::max<double>(10.0, static_cast<double>(counts.size())));
  const double top = std::log10(
      std::max<double>(10.0, counts.empty() ? 1.0 : static_cast<double>(counts.front())));
  const double floor = kHeight - kBottom;
  const auto x_of = [&](double value) {
    return kLeft + value / right * (kWidth - kLeft - kRight);
  };
  const auto y_of = [&](double value) {
    return floor - value / top * (floor - kTop);
  };
  std::string body;
  for (double power = 0.0; power <= top; power += 1.0) {
    body += Rule(kLeft, y_of(power), kWidth - kRight, y_of(power));
    body += Text(kLeft - 6, y_of(power) + 4, "end", Number(std::pow(10.0, power)));
  }
  for (double power = 0.0; power <= right; power += 1.0) {
    body += Text(x_of(power), floor + 15, "middle", Number(std::pow(10.0, power)));
  }
  std::string points;
  double drawn = -1.0;
  for (std::size_t i = 0; i < counts.size() && counts[i] > 0; ++i) {
    const double x = std::log10(static_cast<double>(i + 1));
    if (x - drawn > right / 400.0) {  // A point a pixel is enough.
      points +=
          Number(x_of(x)) + "," + Number(y_of(std::log10(static_cast<double>(counts[i])))) + " ";
      drawn = x;
    }
  }
  body += "<polyline class=\"curve\" points=\"" + points + "\"/>";
  body += Text(kLeft + (kWidth - kLeft - kRight) / 2, kHeight - 8, "middle", "rank of the item");
  return Frame("training rows by rank of the item", body);
}

std::string Clients(const DataStats& stats) {
  if (stats.clients.size() > kMostBars) {
    std::vector<std::uint64_t> rows;
    for (const ClientSize& client : stats.clients) {
      rows.push_back(client.rows);
    }
    return Bars("clients by training rows", Histogram(rows), "training rows of a client");
  }
  std::vector<Bar> bars;
  for (const ClientSize& client : stats.clients) {
    bars.push_back({.label = client.id, .value = static_cast<double>(client.rows)});
  }
  return Bars("training rows of each client", bars, "client");
}

std::string OrderBars(const DataReport& report) {
  const std::vector<Bar> bars = {
      {.label = "tied", .value = 100.0 * report.tied_share},
      {.label = "item order", .value = 100.0 * report.users_sorted_by_item},
      {.label = "test outside", .value = 100.0 * report.test_targets_outside},
  };
  return Bars("ties, file order and targets outside the catalogue", bars, "percent");
}

std::string Tile(const std::string& value, const std::string& name) {
  return "<div class=\"card tile\"><b>" + value + "</b><span>" + Escaped(name) + "</span></div>\n";
}

std::string Tiles(const DataStats& stats) {
  const DataReport& report = stats.report;
  return "<div class=\"tiles\">" + Tile(WithCommas(stats.users), "users")
         + Tile(WithCommas(stats.items), "items")
         + Tile(WithCommas(report.train_rows), "training rows")
         + Tile(WithCommas(report.validation_rows) + " + " + WithCommas(report.test_rows),
                "validation + test rows")
         + Tile(WithCommas(report.bad_rows), "broken rows")
         + Tile(WithCommas(stats.clients.size()), "clients") + "</div>\n";
}

}  // namespace

std::string StatsPage(const DataStats& stats) {
  std::string page =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\"><title>Data report</title>";
  page +=
      std::string(kStyle) + "</head><body>\n<h1>" + Escaped(stats.path) + "</h1>\n" + Tiles(stats);
  for (const std::string& warning : stats.report.warnings) {
    page += "<p class=\"warn\">Warning: " + Escaped(warning) + "</p>\n";
  }
  page += "<div class=\"charts\">";
  page += Card("Events of a user",
               "Users by number of visible events",
               Bars("users by number of events", Histogram(stats.user_events), "events of a user"));
  page += Card("Popularity of items",
               "Training rows by rank; the top tenth of items has " + Percent(stats.head_share),
               PopularityCurve(stats.item_events));
  page += Card("Order and catalogue",
               "Neighbouring events with equal time, users listed in item order, test targets "
               "outside the catalogue",
               OrderBars(stats.report));
  page += Card("Clients",
               WithCommas(stats.clients.size()) + " clients by " + stats.clients_rule,
               Clients(stats));
  page += "</div>\n<section class=\"card\" style=\"margin-top:14px\"><h2>All numbers</h2><pre>"
          + Escaped(StatsText(stats)) + "</pre></section>\n</body></html>\n";
  return page;
}

}  // namespace rondo::sim
