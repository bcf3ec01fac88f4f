#include "common/secagg/ring.h"

#include <bit>
#include <cstring>

#include "common/core/check.h"
#include "common/core/clones.h"

namespace rondo::secagg::ring {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers are added as they lie in memory");

/// sum += value or, with all ones in `negate`, sum -= value, which is + ~value + 1. Addresses may
/// have any alignment, so numbers are copied in and out, which costs no instruction.
template <typename T>
inline __attribute__((always_inline)) void Loop(std::uint8_t* sum,
                                                const std::uint8_t* values,
                                                std::size_t size,
                                                T negate) {
  for (std::size_t i = 0; i < size; ++i) {
    T a{};
    T b{};
    std::memcpy(&a, sum + i * sizeof(T), sizeof(T));
    std::memcpy(&b, values + i * sizeof(T), sizeof(T));
    a = static_cast<T>(a + static_cast<T>(b ^ negate) - negate);
    std::memcpy(sum + i * sizeof(T), &a, sizeof(T));
  }
}

RONDO_CLONES void Loop16(std::uint8_t* sum,
                         const std::uint8_t* values,
                         std::size_t size,
                         std::uint16_t negate) {
  Loop(sum, values, size, negate);
}

RONDO_CLONES void Loop32(std::uint8_t* sum,
                         const std::uint8_t* values,
                         std::size_t size,
                         std::uint32_t negate) {
  Loop(sum, values, size, negate);
}

RONDO_CLONES void Loop64(std::uint8_t* sum,
                         const std::uint8_t* values,
                         std::size_t size,
                         std::uint64_t negate) {
  Loop(sum, values, size, negate);
}

void Loop24(std::uint8_t* sum, const std::uint8_t* values, std::size_t size, std::uint32_t negate) {
  for (std::size_t i = 0; i < size; ++i) {
    std::uint32_t a = 0;
    std::uint32_t b = 0;
    std::memcpy(&a, sum + i * 3, 3);
    std::memcpy(&b, values + i * 3, 3);
    a = a + (b ^ negate) - negate;
    std::memcpy(sum + i * 3, &a, 3);
  }
}

void Combine(std::span<std::uint8_t> sum, ByteView values, std::size_t width, bool subtract) {
  RONDO_CHECK(sum.size() == values.size() && sum.size() % width == 0)
      << "the caller cuts whole numbers";
  const std::size_t size = sum.size() / width;
  const std::uint64_t negate = subtract ? ~std::uint64_t{0} : 0;
  switch (width) {
    case 2:
      return Loop16(sum.data(), values.data(), size, static_cast<std::uint16_t>(negate));
    case 3:
      return Loop24(sum.data(), values.data(), size, static_cast<std::uint32_t>(negate));
    case 4:
      return Loop32(sum.data(), values.data(), size, static_cast<std::uint32_t>(negate));
    default:
      RONDO_CHECK(width == 8) << "CheckSpec knows four widths";
      return Loop64(sum.data(), values.data(), size, negate);
  }
}

}  // namespace

void Add(std::span<std::uint8_t> sum, ByteView values, std::size_t width) {
  Combine(sum, values, width, false);
}

void Subtract(std::span<std::uint8_t> sum, ByteView values, std::size_t width) {
  Combine(sum, values, width, true);
}

}  // namespace rondo::secagg::ring
