#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Charts as inline SVG: scalable, readable in light and dark (colours are CSS variables with a
/// default), with a title and a description for screen readers. Series differ by dashes, too, not
/// by colour alone. `id` is unique within a page and consists of letters, digits and dashes.
namespace rondo {

/// Text for HTML and XML content and quoted attributes; control characters become spaces.
std::string EscapeXml(std::string_view text);

struct ChartBand {
  double x = 0.0;
  double low = 0.0;
  double high = 0.0;
};

struct ChartSeries {
  std::string name;
  std::vector<std::pair<double, double>>
      points;                   ///< by x; points that are not finite break the line
  std::vector<ChartBand> band;  ///< by x, finite: shaded behind the line
};

struct LineChart {
  std::string id;
  std::string title;
  std::string description;  ///< one sentence on what the curves show
  std::string x_label;
  std::string y_label;
  std::vector<ChartSeries> series;
  bool from_zero = false;  ///< the y axis begins at 0
};

struct Bar {
  std::string label;
  double value = 0.0;
  std::optional<double> low;  ///< with `high`: an interval drawn over the bar
  std::optional<double> high;
  bool emphasis = false;
};

/// Horizontal bars from 0.
struct BarChart {
  std::string id;
  std::string title;
  std::string description;
  std::string x_label;
  std::vector<Bar> bars;
  int digits = 3;  ///< decimals of the value beside each bar
};

struct Histogram {
  std::string id;
  std::string title;
  std::string description;
  std::string x_label;
  std::string y_label;
  std::vector<double> edges;  ///< ascending, one more than counts
  std::vector<double>
      counts;  ///< bars have equal width whatever the edges, so that log bins read well
};

/// A matrix of coloured cells, from nothing (0, pale) to all (1, strong), each with its number
/// while cells are large enough for one.
struct HeatMap {
  std::string id;
  std::string title;
  std::string description;
  std::string x_label;
  std::string y_label;
  std::vector<std::string> columns;
  std::vector<std::string> rows;
  /// [rows][columns] as a share; colours end at 0 and 1. Not finite: no colour, and `missing` as
  /// text
  std::vector<std::vector<double>> values;
  std::string missing = "-";
  bool percent = true;  ///< write .5 as 50 % and not as 0.50
};

std::string RenderSvg(const LineChart& chart);
std::string RenderSvg(const BarChart& chart);
std::string RenderSvg(const Histogram& chart);
std::string RenderSvg(const HeatMap& chart);

/// What a cell of a heat map says.
std::string CellText(const HeatMap& chart, double value);

/// Round positions for an axis over [low, high], about `count` of them, ends included.
std::vector<double> AxisTicks(double low, double high, int count);

/// "1200", "0.05", "1.5e-06", "2.5M" for axes.
std::string TickText(double value);

}  // namespace rondo
