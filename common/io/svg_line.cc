#include <array>
#include <cmath>

#include "common/io/svg_parts.h"
#include "common/io/text_table.h"

namespace rondo {
namespace {

using namespace svg;

constexpr double kWideLetter = 7.8;  // Of names in capitals.
constexpr std::size_t kMostMarkers = 60;
constexpr std::array kDashes = {"", "7 4", "2 3", "10 3 2 3", "4 2", "1 2"};

/// Beyond six series a colour comes again with another dash.
const char* Dash(std::size_t series) {
  return kDashes[(series + series / kDashes.size()) % kDashes.size()];
}

bool IsFinite(const std::pair<double, double>& point) {
  return std::isfinite(point.first) && std::isfinite(point.second);
}

constexpr double kLegendRow = 18;

/// Where each name of a legend stands; what does not fit goes to the next row.
std::vector<std::pair<double, int>> LegendPlaces(const std::vector<ChartSeries>& series,
                                                 const Frame& frame) {
  std::vector<std::pair<double, int>> places;
  double x = frame.left;
  int row = 0;
  for (const ChartSeries& one : series) {
    const double width = 32 + static_cast<double>(DisplayWidth(one.name)) * kWideLetter;
    if (x > frame.left && x + width > kWidth) {
      x = frame.left;
      ++row;
    }
    places.emplace_back(x, row);
    x += width + 20;
  }
  return places;
}

std::string Legend(const std::vector<ChartSeries>& series,
                   const std::vector<std::pair<double, int>>& places) {
  std::string svg;
  for (std::size_t i = 0; i < series.size(); ++i) {
    const auto [x, row] = places[i];
    const double y = 16 + kLegendRow * row;
    const std::string style =
        "stroke:" + Color(i) + ";stroke-width:2.5;stroke-dasharray:" + Dash(i);
    svg += Line(x, y, x + 26, y, style) + Text(x + 32, y + 4, "start", series[i].name);
  }
  return svg;
}

std::string Band(const ChartSeries& series, std::size_t index, const Scale& x, const Scale& y) {
  std::string path;
  for (const ChartBand& band : series.band) {
    path += (path.empty() ? "M" : "L") + Number(x(band.x)) + " " + Number(y(band.high));
  }
  for (auto band = series.band.rbegin(); band != series.band.rend(); ++band) {
    path += "L" + Number(x(band->x)) + " " + Number(y(band->low));
  }
  return path.empty() ? ""
                      : "<path d=\"" + path + "Z\" style=\"fill:" + Color(index)
                            + ";fill-opacity:.14;stroke:none\"/>";
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
         + ";stroke-width:2;stroke-linejoin:round;stroke-dasharray:" + Dash(index) + "\"/>"
         + markers;
}

}  // namespace

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
    for (const ChartBand& band : series.band) {
      y_extent.Include(band.low);
      y_extent.Include(band.high);
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
  Frame frame;
  const std::vector<std::pair<double, int>> places = LegendPlaces(chart.series, frame);
  const double shift = places.empty() ? 0 : kLegendRow * places.back().second;
  const double height = kHeight + shift;
  frame.top += shift;
  frame.bottom += shift;
  const std::vector<double> y_ticks = AxisTicks(y_extent.low, y_extent.high, 5);
  const std::vector<double> x_ticks = AxisTicks(x_extent.low, x_extent.high, 6);
  const Scale x{x_extent.low, x_extent.high, frame.left, frame.right};
  const Scale y{y_ticks.front(), y_ticks.back(), frame.bottom, frame.top};
  std::string svg = Open(chart.id, chart.title, chart.description, height);
  svg += YAxis(frame, y, y_ticks, chart.y_label);
  for (const double tick : x_ticks) {
    if (tick >= x_extent.low && tick <= x_extent.high) {
      svg += Line(x(tick), frame.bottom, x(tick), frame.bottom + 5, kAxis)
             + Text(x(tick), frame.bottom + 19, "middle", TickText(tick));
    }
  }
  svg += Line(frame.left, frame.bottom, frame.right, frame.bottom, kAxis);
  svg += Text((frame.left + frame.right) / 2, height - 8, "middle", chart.x_label);
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    svg += Band(chart.series[i], i, x, y);
  }
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    svg += Curve(chart.series[i], i, x, y);
  }
  return svg + Legend(chart.series, places) + "</svg>";
}

}  // namespace rondo
