#include "common/data/text.h"

#include <algorithm>

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
  if (text.starts_with("\xEF\xBB\xBF")) {
    text.remove_prefix(3);
  }
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

bool FitsTsvCell(std::string_view text) {
  return text.find_first_of("\t\r\n") == std::string_view::npos;
}

std::string TsvCell(std::string_view text) {
  std::string cell(text);
  std::replace_if(
      cell.begin(), cell.end(), [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
  return cell;
}

}  // namespace rondo
