#pragma once

#include <cstdint>

/// Arithmetic modulo the Mersenne prime p = 2^61 - 1, without branches or look-ups that depend on
/// the numbers, which are secrets.
namespace rondo::secagg::field {

inline constexpr std::uint64_t kPrime = (std::uint64_t{1} << 61) - 1;

/// `x` - p if x >= p, else x. For x < 2p.
inline std::uint64_t SubtractPrime(std::uint64_t x) {
  const std::uint64_t less = x - kPrime;
  const std::uint64_t borrowed = 0 - (less >> 63);  // all ones if x < p
  return less + (kPrime & borrowed);
}

/// Operands, here and below, and results are less than p.
inline std::uint64_t Add(std::uint64_t a, std::uint64_t b) {
  return SubtractPrime(a + b);
}

inline std::uint64_t Subtract(std::uint64_t a, std::uint64_t b) {
  return SubtractPrime(a + kPrime - b);
}

inline std::uint64_t Multiply(std::uint64_t a, std::uint64_t b) {
  // 2^61 = 1 (mod p), so the high part counts as much as the low one.
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  const auto low = static_cast<std::uint64_t>(product) & kPrime;
  const auto high = static_cast<std::uint64_t>(product >> 61);
  return SubtractPrime(low + high);
}

/// a^(p-2), the inverse of a by Fermat; 0 for 0.
inline std::uint64_t Inverse(std::uint64_t a) {
  // p - 2 = 2^61 - 3: all bits one but bit 1.
  std::uint64_t result = 1;
  for (int bit = 60; bit >= 0; --bit) {
    result = Multiply(result, result);
    if (bit != 1) {
      result = Multiply(result, a);
    }
  }
  return result;
}

}  // namespace rondo::secagg::field
