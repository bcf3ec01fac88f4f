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

/// The key of one head's attention shares in a sequence.
inline std::uint64_t HeadDropoutKey(std::uint64_t sequence_key, std::int64_t head) {
  return sequence_key + static_cast<std::uint64_t>(head) * 0xD1B54A32D192ED03ULL;
}

/// Fills mask [sequences, length, width] with 0 or 1 / (1 - probability).
/// Source  murmur3's 32-bit finaliser over a counter; statistical quality suits dropout, not
/// secrets.
void FillDropoutMask(std::span<const std::uint64_t> sequence_keys,
                     std::int64_t length,
                     std::int64_t width,
                     const DropoutSite& site,
                     std::span<float> mask);

}  // namespace rondo
