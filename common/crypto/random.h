#pragma once

#include <cstdint>
#include <span>

namespace rondo {

/// Fills `bytes` from OpenSSL's generator, which is seeded by the operating system. Thread-safe.
void SecureRandom(std::span<std::uint8_t> bytes);

/// A uniform 64-bit number from SecureRandom.
std::uint64_t SecureRandomU64();

}  // namespace rondo
