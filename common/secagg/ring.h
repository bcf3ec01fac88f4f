#pragma once

#include <cstdint>
#include <span>

#include "common/core/bytes.h"

/// Loops over packed numbers mod 2^(8 width), little endian. Lengths are whole numbers of them.
namespace rondo::secagg::ring {

/// sum += values. `width` is 2, 3, 4 or 8 bytes.
void Add(std::span<std::uint8_t> sum, ByteView values, std::size_t width);

/// sum -= values.
void Subtract(std::span<std::uint8_t> sum, ByteView values, std::size_t width);

}  // namespace rondo::secagg::ring
