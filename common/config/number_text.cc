#include "common/config/number_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace rondo {

std::optional<double> ParseNumber(std::string_view text) {
  double value = 0.0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

std::string FormatNumber(double value) {
  if (std::isnan(value)) {
    return "nan";
  }
  if (std::isinf(value)) {
    return value > 0 ? "inf" : "-inf";
  }
  constexpr double kReadable = 1e15;
  if (value == std::trunc(value) && std::abs(value) < kReadable
      && !(value == 0 && std::signbit(value))) {
    return std::to_string(static_cast<std::int64_t>(value));
  }
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

}  // namespace rondo
