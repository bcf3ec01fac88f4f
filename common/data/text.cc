#include "common/data/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace rondo {
namespace {

bool IsDecimal(std::string_view text) {
  return !text.empty()
         && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view WithoutZeros(std::string_view digits) {
  const std::size_t first = digits.find_first_not_of('0');
  return first == std::string_view::npos ? std::string_view{} : digits.substr(first);
}

}  // namespace

std::vector<std::string_view> SplitText(std::string_view text, std::string_view delimiter) {
  std::vector<std::string_view> pieces;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = text.find(delimiter, begin);
    if (end == std::string_view::npos) {
      pieces.push_back(text.substr(begin));
      return pieces;
    }
    pieces.push_back(text.substr(begin, end - begin));
    begin = end + delimiter.size();
  }
}

std::vector<NumberedLine> NumberedLines(std::string_view text) {
  std::vector<NumberedLine> lines;
  std::size_t number = 0;
  for (std::string_view line : SplitText(text, "\n")) {
    ++number;
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (!line.empty()) {
      lines.push_back({.number = number, .text = line});
    }
  }
  return lines;
}

std::optional<double> ParseNumber(std::string_view text) {
  double value = 0.0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

std::string DecimalText(double value) {
  std::array<char, 64> buffer{};
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    const auto whole = static_cast<long long>(value);
    const auto done = std::to_chars(buffer.data(), buffer.data() + buffer.size(), whole);
    return {buffer.data(), done.ptr};
  }
  const auto done = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), done.ptr};
}

bool IdLess(std::string_view a, std::string_view b) {
  const bool a_number = IsDecimal(a);
  const bool b_number = IsDecimal(b);
  if (a_number != b_number) {
    return a_number;
  }
  if (a_number) {
    const std::string_view x = WithoutZeros(a);
    const std::string_view y = WithoutZeros(b);
    if (x.size() != y.size()) {
      return x.size() < y.size();
    }
    if (x != y) {
      return x < y;
    }
  }
  return a < b;
}

std::string TsvCell(std::string_view text) {
  std::string cell(text);
  std::replace_if(
      cell.begin(), cell.end(), [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
  return cell;
}

}  // namespace rondo
