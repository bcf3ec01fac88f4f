#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rondo {

/// Cuts at every `delimiter`; "a||b" gives three pieces.
std::vector<std::string_view> SplitText(std::string_view text, std::string_view delimiter);

struct NumberedLine {
  std::size_t number = 0;  ///< from 1
  std::string_view text;   ///< without its line end
};

/// The lines that are not empty, without a byte-order mark.
std::vector<NumberedLine> NumberedLines(std::string_view text);

/// Order of ids: plain decimal numbers by value and before all others, the rest by bytes. A strict
/// total order on distinct texts, the same on every machine and in every locale.
bool IdLess(std::string_view a, std::string_view b);

/// Whether the text holds no tab or line end.
bool FitsTsvCell(std::string_view text);

/// Tabs and line ends become spaces, so that the text fits a cell of a TSV file.
std::string TsvCell(std::string_view text);

}  // namespace rondo
