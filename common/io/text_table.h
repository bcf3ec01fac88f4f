#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rondo {

/// A table for the terminal: columns as wide as their content, two spaces apart, a rule under the
/// head.
class TextTable {
 public:
  enum class Align { kLeft, kRight };

  struct Column {
    std::string title;
    Align align = Align::kRight;
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// Missing cells are empty, surplus ones are dropped. Control characters become '?'.
  void AddRow(std::vector<std::string> cells);

  std::string Render() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// Columns a UTF-8 text takes on a terminal: combining marks none, East Asian wide characters two.
std::size_t DisplayWidth(std::string_view text);

/// A number with `digits` decimals; "-" for NaN.
std::string FixedText(double value, int digits);

/// "1.2 MB" in powers of 1000.
std::string BytesText(double bytes);

}  // namespace rondo
