#include "common/io/svg.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "common/io/text_table.h"

namespace rondo {
namespace {

constexpr double kWidth = 520;
constexpr double kHeight = 260;
constexpr double kLetter = 6.6;      // Mean width of a letter at 12 pixels.
constexpr double kWideLetter = 7.8;  // Of names in capitals.
constexpr std::size_t kMostMarkers = 60;

constexpr std::array kColors = {"#1f66c7", "#b4540a", "#15784a", "#7a3fc9", "#b3245a", "#52606d"};
constexpr std::array kDashes = {"", "7 4", "2 3", "10 3 2 3", "4 2", "1 2"};

struct Frame {
  double left = 62;
  double right = kWidth - 16;
  double top = 34;
  double bottom = kHeight - 46;
};

std::string Number(double value) {
  char text[32];
  const int size = std::snprintf(text, sizeof text, "%.1f", value);
  return {text, static_cast<std::size_t>(size)};
}

std::string Color(std::size_t series) {
  const std::size_t index = series % kColors.size();
  return "var(--s" + std::to_string(index) + "," + kColors[index] + ")";
}

std::string Text(double x,
                 double y,
                 const std::string& anchor,
                 const std::string& text,
                 const std::string& more = "") {
  return "<text x=\"" + Number(x) + "\" y=\"" + Number(y) + "\" text-anchor=\"" + anchor + "\""
         + more + ">" + EscapeXml(text) + "</text>";
}

std::string Line(double x1, double y1, double x2, double y2, const std::string& style) {
  return "<line x1=\"" + Number(x1) + "\" y1=\"" + Number(y1) + "\" x2=\"" + Number(x2) + "\" y2=\""
         + Number(y2) + "\" style=\"" + style + "\"/>";
}

const std::string kGrid = "stroke:var(--grid,#d9dee3);stroke-width:1";
const std::string kAxis = "stroke:var(--axis,#8a949e);stroke-width:1";

std::string Open(const std::string& id,
                 const std::string& title,
                 const std::string& description,
                 double height) {
  return "<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + Number(kWidth) + " "
         + Number(height) + "\" role=\"img\" aria-labelledby=\"" + EscapeXml(id) + "-t " + EscapeXml(id)
         + "-d\" font-family=\"system-ui,sans-serif\" font-size=\"12\" style=\"fill:var(--ink,#1b1f24)\">"
         + "<title id=\"" + EscapeXml(id) + "-t\">" + EscapeXml(title) + "</title><desc id=\"" + EscapeXml(id)
         + "-d\">" + EscapeXml(description) + "</desc>";
}

std::string Empty(const std::string& id, const std::string& title, const std::string& description) {
  return Open(id, title, description, kHeight) + Text(kWidth / 2, kHeight / 2, "middle", "no data")
         + "</svg>";
}

/// Maps data to pixels.
struct Scale {
  double data_low = 0;
  double data_high = 1;
  double pixel_low = 0;
  double pixel_high = 1;

  double operator()(double value) const {
    return pixel_low + (value - data_low) / (data_high - data_low) * (pixel_high - pixel_low);
  }
};

bool IsFinite(const std::pair<double, double>& point) {
  return std::isfinite(point.first) && std::isfinite(point.second);
}

struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void Include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }

  /// Never empty, so that it can be divided by.
  void Widen() {
    if (!(high > low)) {
      const double half = std::max(std::abs(low) * 0.1, 1e-9);
      high += half;
      low -= half;
    }
  }
};

std::string YAxis(const Frame& frame,
                  const Scale& scale,
                  const std::vector<double>& ticks,
                  const std::string& label) {
  std::string svg;
  for (const double tick : ticks) {
    const double y = scale(tick);
    svg += Line(frame.left, y, frame.right, y, kGrid)
           + Text(frame.left - 8, y + 4, "end", TickText(tick));
  }
  const double middle = (frame.top + frame.bottom) / 2;
  return svg
         + Text(
             14, middle, "middle", label, " transform=\"rotate(-90 14 " + Number(middle) + ")\"");
}

std::string Legend(const std::vector<ChartSeries>& series, const Frame& frame) {
  std::string svg;
  double x = frame.left;
  for (std::size_t i = 0; i < series.size(); ++i) {
    const std::string style =
        "stroke:" + Color(i) + ";stroke-width:2.5;stroke-dasharray:" + kDashes[i % kDashes.size()];
    svg += Line(x, 16, x + 26, 16, style) + Text(x + 32, 20, "start", series[i].name);
    x += 32 + static_cast<double>(DisplayWidth(series[i].name)) * kWideLetter + 20;
  }
  return svg;
}

std::string Curve(const ChartSeries& series, std::size_t index, const Scale& x, const Scale& y) {
  std::string path;
  std::string markers;
  bool pen_down = false;
  for (const auto& point : series.points) {
    if (!IsFinite(point)) {
      pen_down = false;
      continue;
    }
    const std::string place = Number(x(point.first)) + " " + Number(y(point.second));
    path += (pen_down ? "L" : "M") + place;
    pen_down = true;
    if (series.points.size() <= kMostMarkers) {
      markers += "<circle cx=\"" + Number(x(point.first)) + "\" cy=\"" + Number(y(point.second))
                 + "\" r=\"2.6\" style=\"fill:" + Color(index) + "\"><title>"
                 + EscapeXml(series.name) + ", " + TickText(point.first) + ": "
                 + TickText(point.second) + "</title></circle>";
    }
  }
  return "<path d=\"" + path + "\" style=\"fill:none;stroke:" + Color(index)
         + ";stroke-width:2;stroke-linejoin:round;stroke-dasharray:"
         + kDashes[index % kDashes.size()] + "\"/>" + markers;
}

std::string Shorten(const std::string& label) {
  constexpr std::size_t kLongest = 34;
  if (DisplayWidth(label) <= kLongest) {
    return label;
  }
  std::string cut = label.substr(0, kLongest);
  while (!cut.empty() && (static_cast<unsigned char>(label[cut.size()]) & 0xc0) == 0x80) {
    cut.pop_back();
  }
  return cut + "\xe2\x80\xa6";
}

}  // namespace

std::string EscapeXml(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f ? ' ' : c;
    }
  }
  return escaped;
}

std::vector<double> AxisTicks(double low, double high, int count) {
  const double rough = (high - low) / std::max(1, count);
  if (!(rough > 0) || !std::isfinite(rough)) {
    return {low};
  }
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double fraction = rough / power;
  const double step = power * (fraction <= 1 ? 1 : fraction <= 2 ? 2 : fraction <= 5 ? 5 : 10);
  std::vector<double> ticks;
  const double first = std::floor(low / step + 1e-9);
  const double last = std::ceil(high / step - 1e-9);
  for (double i = first; i <= last; ++i) {
    ticks.push_back(i * step);
  }
  return ticks;
}

std::string TickText(double value) {
  constexpr double kMillion = 1e6;
  char text[32];
  const double size = std::abs(value);
  int length = 0;
  if (size >= kMillion && size < 1e15) {
    const double scaled = size >= 1e12  ? value / 1e12
                          : size >= 1e9 ? value / 1e9
                                        : value / kMillion;
    const char* unit = size >= 1e12 ? "T" : size >= 1e9 ? "G" : "M";
    length = std::snprintf(text, sizeof text, "%.4g%s", scaled, unit);
  } else {
    length = std::snprintf(text, sizeof text, "%.6g", size < 1e-12 ? 0.0 : value);
  }
  return {text, static_cast<std::size_t>(length)};
}

std::string RenderSvg(const LineChart& chart) {
  Extent x_extent;
  Extent y_extent;
  for (const ChartSeries& series : chart.series) {
    for (const auto& point : series.points) {
      if (IsFinite(point)) {
        x_extent.Include(point.first);
        y_extent.Include(point.second);
      }
    }
  }
  if (x_extent.low > x_extent.high) {
    return Empty(chart.id, chart.title, chart.description);
  }
  if (chart.from_zero) {
    y_extent.Include(0.0);
  }
  x_extent.Widen();
  y_extent.Widen();
  const Frame frame;
  const std::vector<double> y_ticks = AxisTicks(y_extent.low, y_extent.high, 5);
  const std::vector<double> x_ticks = AxisTicks(x_extent.low, x_extent.high, 6);
  const Scale x{x_extent.low, x_extent.high, frame.left, frame.right};
  const Scale y{y_ticks.front(), y_ticks.back(), frame.bottom, frame.top};
  std::string svg = Open(chart.id, chart.title, chart.description, kHeight);
  svg += YAxis(frame, y, y_ticks, chart.y_label);
  for (const double tick : x_ticks) {
    if (tick >= x_extent.low && tick <= x_extent.high) {
      svg += Line(x(tick), frame.bottom, x(tick), frame.bottom + 5, kAxis)
             + Text(x(tick), frame.bottom + 19, "middle", TickText(tick));
    }
  }
  svg += Line(frame.left, frame.bottom, frame.right, frame.bottom, kAxis);
  svg += Text((frame.left + frame.right) / 2, kHeight - 8, "middle", chart.x_label);
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    svg += Curve(chart.series[i], i, x, y);
  }
  return svg + Legend(chart.series, frame) + "</svg>";
}

std::string RenderSvg(const BarChart& chart) {
  if (chart.bars.empty()) {
    return Empty(chart.id, chart.title, chart.description);
  }
  constexpr double kRow = 30;
  double longest_label = 0;
  double highest = 0;
  for (const Bar& bar : chart.bars) {
    longest_label =
        std::max(longest_label, static_cast<double>(DisplayWidth(Shorten(bar.label))) * kLetter);
    for (const double value : {bar.value, bar.high.value_or(0.0)}) {
      highest = std::isfinite(value) ? std::max(highest, value) : highest;
    }
  }
  const Frame frame{.left = longest_label + 22, .right = kWidth - 70, .top = 10};
  const double bottom = frame.top + kRow * static_cast<double>(chart.bars.size());
  const std::vector<double> ticks = AxisTicks(0.0, highest > 0 ? highest : 1.0, 5);
  const Scale x{0.0, ticks.back(), frame.left, frame.right};
  std::string svg = Open(chart.id, chart.title, chart.description, bottom + 44);
  for (const double tick : ticks) {
    svg += Line(x(tick), frame.top, x(tick), bottom, kGrid)
           + Text(x(tick), bottom + 17, "middle", TickText(tick));
  }
  for (std::size_t i = 0; i < chart.bars.size(); ++i) {
    const Bar& bar = chart.bars[i];
    const double middle = frame.top + kRow * (static_cast<double>(i) + 0.5);
    const double value = std::isfinite(bar.value) ? std::max(0.0, bar.value) : 0.0;
    const std::string fill = bar.emphasis ? Color(0) : "var(--muted,#9aa7b4)";
    svg += Text(frame.left - 8,
                middle + 4,
                "end",
                Shorten(bar.label),
                bar.emphasis ? " font-weight=\"700\"" : "");
    svg += "<rect x=\"" + Number(frame.left) + "\" y=\"" + Number(middle - 9) + "\" width=\""
           + Number(x(value) - frame.left) + "\" height=\"18\" rx=\"2\" style=\"fill:" + fill
           + "\"/>";
    double end = x(value);
    if (bar.low && bar.high && std::isfinite(*bar.low) && std::isfinite(*bar.high)) {
      const std::string whisker = "stroke:var(--ink,#1b1f24);stroke-width:1.5";
      const double low = x(std::max(0.0, *bar.low));
      const double high = x(std::max(0.0, *bar.high));
      svg += Line(low, middle, high, middle, whisker)
             + Line(low, middle - 5, low, middle + 5, whisker)
             + Line(high, middle - 5, high, middle + 5, whisker);
      end = std::max(end, high);
    }
    svg += Text(end + 8, middle + 4, "start", FixedText(bar.value, chart.digits));
  }
  svg += Line(frame.left, frame.top, frame.left, bottom, kAxis);
  return svg + Text((frame.left + frame.right) / 2, bottom + 36, "middle", chart.x_label)
         + "</svg>";
}

std::string RenderSvg(const Histogram& chart) {
  if (chart.counts.empty() || chart.edges.size() != chart.counts.size() + 1) {
    return Empty(chart.id, chart.title, chart.description);
  }
  const Frame frame{.top = 14};
  const double highest = *std::max_element(chart.counts.begin(), chart.counts.end());
  const std::vector<double> ticks = AxisTicks(0.0, highest > 0 ? highest : 1.0, 5);
  const Scale y{0.0, ticks.back(), frame.bottom, frame.top};
  const double step = (frame.right - frame.left) / static_cast<double>(chart.counts.size());
  std::string svg = Open(chart.id, chart.title, chart.description, kHeight);
  svg += YAxis(frame, y, ticks, chart.y_label);
  const std::size_t every = 1 + chart.counts.size() / 10;  // Labels must not touch.
  for (std::size_t i = 0; i <= chart.counts.size(); ++i) {
    const double x = frame.left + step * static_cast<double>(i);
    if (i % every == 0) {
      svg += Line(x, frame.bottom, x, frame.bottom + 5, kAxis)
             + Text(x, frame.bottom + 19, "middle", TickText(chart.edges[i]));
    }
    if (i < chart.counts.size()) {
      const double top = y(chart.counts[i]);
      svg += "<rect x=\"" + Number(x + 1) + "\" y=\"" + Number(top) + "\" width=\""
             + Number(std::max(1.0, step - 2)) + "\" height=\"" + Number(frame.bottom - top)
             + "\" style=\"fill:" + Color(0) + "\"><title>" + TickText(chart.edges[i]) + " to "
             + TickText(chart.edges[i + 1]) + ": " + TickText(chart.counts[i]) + "</title></rect>";
    }
  }
  svg += Line(frame.left, frame.bottom, frame.right, frame.bottom, kAxis);
  return svg + Text((frame.left + frame.right) / 2, kHeight - 8, "middle", chart.x_label)
         + "</svg>";
}

}  // namespace rondo
