#include <algorithm>
#include <cmath>

#include "common/io/svg_parts.h"
#include "common/io/text_table.h"

namespace rondo {
namespace {

using namespace svg;

constexpr std::size_t kLongestLabel = 22;

/// The strong colour, thinner the smaller the share; never so strong that ink cannot be read on it.
std::string CellStyle(double value) {
  constexpr double kStrongest = 0.5;  // Ink on it has a contrast above 4.5 in both schemes.
  if (!std::isfinite(value)) {
    return "fill:none;stroke:var(--grid,#d9dee3)";
  }
  const double share = std::clamp(value, 0.0, 1.0);
  return "fill:" + Color(0) + ";fill-opacity:" + FixedText(0.04 + (kStrongest - 0.04) * share, 3);
}

double WidestLabel(const std::vector<std::string>& labels) {
  double widest = 0;
  for (const std::string& label : labels) {
    widest = std::max(widest,
                      static_cast<double>(DisplayWidth(Shorten(label, kLongestLabel))) * kLetter);
  }
  return widest;
}

/// Where cells lie.
struct Cells {
  double left;
  double top;
  double width;
  double height;
  double font;  ///< of labels
  bool turned;  ///< column labels do not fit beside each other
};

Cells Layout(const HeatMap& chart) {
  const double left = WidestLabel(chart.rows) + 34;
  const double right_room = 16;
  const double width =
      std::min(110.0, (kWidth - right_room - left) / static_cast<double>(chart.columns.size()));
  const double widest = WidestLabel(chart.columns);
  const bool turned = widest > width - 6;
  return {.left = left,
          .top = turned ? 34 + widest : 42,
          .width = width,
          .height = std::clamp(width, 10.0, 30.0),
          .font = std::clamp(width - 1, 8.0, 12.0),
          .turned = turned};
}

/// A label at its baseline's middle, and turned upwards if wanted.
std::string Label(const Cells& cells,
                  double x,
                  double y,
                  const std::string& anchor,
                  const std::string& label,
                  const std::string& turn = "") {
  return Text(x,
              y,
              anchor,
              Shorten(label, kLongestLabel),
              " font-size=\"" + Number(cells.font) + "\"" + turn);
}

std::string ColumnLabel(const Cells& cells, std::size_t column, const std::string& label) {
  const double middle = cells.left + cells.width * (static_cast<double>(column) + 0.5);
  const double y = cells.top - 7;
  if (!cells.turned) {
    return Label(cells, middle, y, "middle", label);
  }
  const double x = middle + cells.font / 3;
  return Label(cells,
               x,
               y,
               "start",
               label,
               " transform=\"rotate(-90 " + Number(x) + " " + Number(y) + ")\"");
}

std::string Cell(const HeatMap& chart, const Cells& cells, std::size_t row, std::size_t column) {
  const double value = chart.values[row][column];
  const double x = cells.left + cells.width * static_cast<double>(column);
  const double y = cells.top + cells.height * static_cast<double>(row);
  const std::string text = CellText(chart, value);
  std::string svg = "<rect x=\"" + Number(x + 0.5) + "\" y=\"" + Number(y + 0.5) + "\" width=\""
                    + Number(cells.width - 1) + "\" height=\"" + Number(cells.height - 1)
                    + "\" style=\"" + CellStyle(value) + "\"><title>"
                    + EscapeXml(chart.rows[row] + ", " + chart.columns[column] + ": " + text)
                    + "</title></rect>";
  if (static_cast<double>(DisplayWidth(text)) * kLetter <= cells.width - 2) {
    svg += Text(x + cells.width / 2, y + cells.height / 2 + 4, "middle", text);
  }
  return svg;
}

}  // namespace

std::string CellText(const HeatMap& chart, double value) {
  if (!std::isfinite(value)) {
    return chart.missing;
  }
  return chart.percent ? FixedText(value * 100.0, 0) + " %" : FixedText(value, 2);
}

std::string RenderSvg(const HeatMap& chart) {
  if (chart.rows.empty() || chart.columns.empty()) {
    return Empty(chart.id, chart.title, chart.description);
  }
  const Cells cells = Layout(chart);
  const double bottom = cells.top + cells.height * static_cast<double>(chart.rows.size());
  std::string svg = Open(chart.id, chart.title, chart.description, bottom + 12);
  for (std::size_t column = 0; column < chart.columns.size(); ++column) {
    svg += ColumnLabel(cells, column, chart.columns[column]);
  }
  for (std::size_t row = 0; row < chart.rows.size(); ++row) {
    svg += Label(cells,
                 cells.left - 8,
                 cells.top + cells.height * (static_cast<double>(row) + 0.5) + cells.font / 3,
                 "end",
                 chart.rows[row]);
    for (std::size_t column = 0; column < chart.columns.size(); ++column) {
      svg += Cell(chart, cells, row, column);
    }
  }
  const double middle = (cells.top + bottom) / 2;
  svg += Text(
      12, middle, "middle", chart.y_label, " transform=\"rotate(-90 12 " + Number(middle) + ")\"");
  return svg
         + Text(cells.left + cells.width * static_cast<double>(chart.columns.size()) / 2,
                14,
                "middle",
                chart.x_label)
         + "</svg>";
}

}  // namespace rondo
