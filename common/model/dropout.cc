#include "common/model/dropout.h"

#include "common/core/check.h"
#include "common/core/clones.h"
#include "common/core/rng.h"

namespace rondo {
namespace {

// Columns count from the end, so that attention rows, whose last column is the newest event, can be
// trimmed. Simple enough for the compiler to vectorise; the CMake file asks for -O3 here.
RONDO_CLONES void FillRow(std::uint32_t key,
                          std::uint32_t threshold,
                          float kept,
                          std::int64_t width,
                          float* mask) {
  for (std::int64_t d = 0; d < width; ++d) {
    std::uint32_t x = key + static_cast<std::uint32_t>(d - width) * 0x9E3779B9U;
    x ^= x >> 16;
    x *= 0x85EBCA6BU;
    x ^= x >> 13;
    x *= 0xC2B2AE35U;
    x ^= x >> 16;
    mask[d] = x >= threshold ? kept : 0.0F;
  }
}

}  // namespace

void FillDropoutMask(std::span<const std::uint64_t> sequence_keys,
                     std::int64_t length,
                     std::int64_t width,
                     const DropoutSite& site,
                     std::span<float> mask) {
  RONDO_CHECK(mask.size() == sequence_keys.size() * static_cast<std::size_t>(length * width))
      << "the mask has the shape of the activations";
  const auto threshold = static_cast<std::uint32_t>(site.probability * 4294967296.0);
  const auto kept = static_cast<float>(1.0 / (1.0 - site.probability));
  float* out = mask.data();
  for (const std::uint64_t sequence : sequence_keys) {
    const std::uint64_t key = SplitMix64(sequence + site.site * 0x9E3779B97F4A7C15ULL);
    for (std::int64_t t = 0; t < length; ++t, out += width) {
      const std::uint64_t from_end = static_cast<std::uint64_t>(length - t);
      FillRow(static_cast<std::uint32_t>(SplitMix64(key + from_end)), threshold, kept, width, out);
    }
  }
}

}  // namespace rondo
