#include "common/io/svg.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "common/io/svg_parts.h"
#include "common/io/text_table.h"

namespace rondo {

using namespace svg;

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
