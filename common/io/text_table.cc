#include "common/io/text_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>

namespace rondo {
namespace {

struct CodeRange {
  char32_t first;
  char32_t last;
};

// Unicode 15 blocks, coarse: enough to line up titles.
constexpr std::array kWide = {CodeRange{0x1100, 0x115f},
                              CodeRange{0x2e80, 0x303e},
                              CodeRange{0x3041, 0xa4cf},
                              CodeRange{0xac00, 0xd7a3},
                              CodeRange{0xf900, 0xfaff},
                              CodeRange{0xfe30, 0xfe6f},
                              CodeRange{0xff00, 0xff60},
                              CodeRange{0xffe0, 0xffe6},
                              CodeRange{0x1f300, 0x1f64f},
                              CodeRange{0x1f900, 0x1f9ff},
                              CodeRange{0x20000, 0x3fffd}};
constexpr std::array kNarrowest = {CodeRange{0x0300, 0x036f},
                                   CodeRange{0x200b, 0x200f},
                                   CodeRange{0xfe00, 0xfe0f}};

template <std::size_t kCount>
bool Contains(const std::array<CodeRange, kCount>& ranges, char32_t code) {
  return std::any_of(ranges.begin(), ranges.end(), [code](const CodeRange& range) {
    return code >= range.first && code <= range.last;
  });
}

/// Decodes the character at `position` and moves past it; a broken byte counts as one character.
char32_t NextCode(std::string_view text, std::size_t& position) {
  const auto lead = static_cast<unsigned char>(text[position++]);
  const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
  char32_t code = more == 0 ? lead : lead & (0x3fU >> more);
  for (int i = 0; i < more && position < text.size(); ++i) {
    const auto next = static_cast<unsigned char>(text[position]);
    if ((next & 0xc0) != 0x80) {
      break;
    }
    code = code << 6 | (next & 0x3fU);
    ++position;
  }
  return code;
}

std::string Printable(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      c = '?';
    }
  }
  return text;
}

std::string Pad(const std::string& text, std::size_t width, TextTable::Align align) {
  const std::string space(width - std::min(width, DisplayWidth(text)), ' ');
  return align == TextTable::Align::kLeft ? text + space : space + text;
}

std::string Line(const std::vector<std::string>& cells,
                 const std::vector<TextTable::Column>& columns,
                 const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t column = 0; column < columns.size(); ++column) {
    line += (column > 0 ? "  " : "") + Pad(cells[column], widths[column], columns[column].align);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

void TextTable::AddRow(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::string& cell : cells) {
    cell = Printable(std::move(cell));
  }
  rows_.push_back(std::move(cells));
}

std::string TextTable::Render() const {
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) {
    titles.push_back(column.title);
    widths.push_back(DisplayWidth(column.title));
  }
  for (const std::vector<std::string>& row : rows_) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], DisplayWidth(row[column]));
    }
  }
  std::vector<std::string> rules;
  for (const std::size_t width : widths) {
    rules.emplace_back(width, '-');
  }
  std::string text = Line(titles, columns_, widths) + Line(rules, columns_, widths);
  for (const std::vector<std::string>& row : rows_) {
    text += Line(row, columns_, widths);
  }
  return text;
}

std::size_t DisplayWidth(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t position = 0; position < text.size();) {
    const char32_t code = NextCode(text, position);
    if (!Contains(kNarrowest, code)) {
      width += Contains(kWide, code) ? 2 : 1;
    }
  }
  return width;
}

std::string FixedText(double value, int digits) {
  if (std::isnan(value)) {
    return "-";
  }
  char text[64];
  const int size = std::snprintf(text, sizeof text, "%.*f", digits, value);
  return {text, static_cast<std::size_t>(std::clamp(size, 0, static_cast<int>(sizeof text) - 1))};
}

std::string BytesText(double bytes) {
  constexpr std::array kUnits = {"B", "kB", "MB", "GB", "TB", "PB"};
  constexpr double kStep = 1000.0;
  std::size_t unit = 0;
  while (bytes >= kStep && unit + 1 < kUnits.size()) {
    bytes /= kStep;
    ++unit;
  }
  return FixedText(bytes, unit == 0 ? 0 : 1) + " " + kUnits[unit];
}

}  // namespace rondo
