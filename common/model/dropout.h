#pragma once

#include <cstdint>
#include <span>

namespace rondo {

/// Where in the network a dropout mask stands. A mask is a function of (sequence key, site,
/// position from the end of the sequence, feature), so neither padding, packs nor threads change
/// it.
struct DropoutSite {
  std::uint32_t site = 0;
  double probability = 0.0;
};

/// Fills mask [sequences, length, width] with 0 or 1 / (1 - probability).
/// Source  murmur3's 32-bit finaliser over a counter; statistical quality suits dropout, not
/// secrets.
void FillDropoutMask(std::span<const std::uint64_t> sequence_keys,
                     std::int64_t length,
                     std::int64_t width,
                     const DropoutSite& site,
                     std::span<float> mask);

}  // namespace rondo
