#include "common/io/svg_parts.h"

#include <array>
#include <cstdio>

#include "common/io/text_table.h"

namespace rondo::svg {
namespace {

constexpr std::array kColors = {"#1f66c7", "#b4540a", "#15784a", "#7a3fc9", "#b3245a", "#52606d"};

}  // namespace

std::string Number(double value) {
  char text[32];
  const int size = std::snprintf(text, sizeof text, "%.1f", value);
  return {text, static_cast<std::size_t>(size)};
}

std::string Shorten(const std::string& label, std::size_t longest) {
  if (DisplayWidth(label) <= longest) {
    return label;
  }
  std::string cut = label.substr(0, longest);
  while (!cut.empty() && (static_cast<unsigned char>(label[cut.size()]) & 0xc0) == 0x80) {
    cut.pop_back();
  }
  return cut + "\xe2\x80\xa6";
}

std::string Color(std::size_t series) {
  const std::size_t index = series % kColors.size();
  return "var(--s" + std::to_string(index) + "," + kColors[index] + ")";
}

std::string Text(double x,
                 double y,
                 const std::string& anchor,
                 const std::string& text,
                 const std::string& more) {
  return "<text x=\"" + Number(x) + "\" y=\"" + Number(y) + "\" text-anchor=\"" + anchor + "\""
         + more + ">" + EscapeXml(text) + "</text>";
}

std::string Line(double x1, double y1, double x2, double y2, const std::string& style) {
  return "<line x1=\"" + Number(x1) + "\" y1=\"" + Number(y1) + "\" x2=\"" + Number(x2) + "\" y2=\""
         + Number(y2) + "\" style=\"" + style + "\"/>";
}

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

}  // namespace rondo::svg
