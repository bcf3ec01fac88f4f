#pragma once

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

#include "common/core/bytes.h"

namespace rondo {

/// The bytes that published vectors write as hexadecimal digits; spaces separate nothing.
inline Bytes HexBytes(std::string_view text) {
  Bytes bytes;
  std::string pair;
  for (const char digit : text) {
    if (digit == ' ') {
      continue;
    }
    if (pair.push_back(digit); pair.size() == 2) {
      bytes.push_back(static_cast<std::uint8_t>(std::stoul(pair, nullptr, 16)));
      pair.clear();
    }
  }
  if (!pair.empty()) {
    throw std::invalid_argument("an odd number of hexadecimal digits");
  }
  return bytes;
}

template <std::size_t N>
std::array<std::uint8_t, N> HexArray(std::string_view text) {
  const Bytes bytes = HexBytes(text);
  if (bytes.size() != N) {
    throw std::invalid_argument("a wrong number of hexadecimal digits");
  }
  std::array<std::uint8_t, N> array{};
  std::ranges::copy(bytes, array.begin());
  return array;
}

}  // namespace rondo
