#include "common/core/text_bytes.h"

#include <cstdint>

namespace rondo {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Reads digits of `bits` bits each; what is left over must be zero and less than a digit.
std::optional<Bytes> FromDigits(std::string_view text, std::string_view digits, unsigned bits) {
  Bytes bytes;
  bytes.reserve(text.size() * bits / 8);
  std::uint32_t pool = 0;
  unsigned held = 0;
  for (const char c : text) {
    const std::size_t value = digits.find(c);
    if (value == std::string_view::npos) {
      return std::nullopt;
    }
    pool = (pool << bits) | static_cast<std::uint32_t>(value);
    held += bits;
    if (held >= 8) {
      held -= 8;
      bytes.push_back(static_cast<std::uint8_t>(pool >> held));
      pool &= (1U << held) - 1;
    }
  }
  if (held >= bits || pool != 0) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace

std::optional<Bytes> FromHex(std::string_view text) {
  return FromDigits(text, kHexDigits, 4);
}

std::string ToBase64Url(ByteView bytes) {
  std::string text;
  text.reserve((bytes.size() * 8 + 5) / 6);
  std::uint32_t pool = 0;
  unsigned held = 0;
  for (const std::uint8_t byte : bytes) {
    pool = (pool << 8) | byte;
    held += 8;
    while (held >= 6) {
      held -= 6;
      text += kBase64Digits[(pool >> held) & 63U];
    }
    pool &= (1U << held) - 1;
  }
  if (held > 0) {
    text += kBase64Digits[(pool << (6 - held)) & 63U];
  }
  return text;
}

std::optional<Bytes> FromBase64Url(std::string_view text) {
  return FromDigits(text, kBase64Digits, 6);
}

}  // namespace rondo
