#pragma once

#include <cstdint>
#include <span>

#include "common/core/rng.h"

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

/// What a mask is made of: the number of its row plus that of its column, mixed by murmur3's
/// finaliser with its two factors, keeps a value if it reaches the threshold.
/// Shapes  from_end 1 is the newest position; column 0 .. width - 1.
inline std::uint64_t DropoutSiteKey(std::uint64_t sequence_key, const DropoutSite& site) {
  return SplitMix64(sequence_key + site.site * 0x9E3779B97F4A7C15ULL);
}

inline std::uint32_t DropoutRowKey(std::uint64_t site_key, std::int64_t from_end) {
  return static_cast<std::uint32_t>(SplitMix64(site_key + static_cast<std::uint64_t>(from_end)));
}

// Columns count from the end, so that attention rows, whose last column is the newest event, can be
// trimmed.
inline std::uint32_t DropoutColumn(std::int64_t column, std::int64_t width) {
  return static_cast<std::uint32_t>(column - width) * 0x9E3779B9U;
}

inline constexpr std::uint32_t kDropoutFactor1 = 0x85EBCA6BU;
inline constexpr std::uint32_t kDropoutFactor2 = 0xC2B2AE35U;

inline std::uint32_t DropoutThreshold(const DropoutSite& site) {
  return static_cast<std::uint32_t>(site.probability * 4294967296.0);
}

inline float DropoutScale(const DropoutSite& site) {
  return static_cast<float>(1.0 / (1.0 - site.probability));
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
