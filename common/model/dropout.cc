#include "common/model/dropout.h"

#include "common/core/check.h"
#include "common/core/clones.h"

namespace rondo {
namespace {

// Simple enough for the compiler to vectorise; the CMake file asks for -O3 here.
RONDO_CLONES void FillRow(std::uint32_t key,
                          std::uint32_t threshold,
                          float kept,
                          std::int64_t width,
                          float* mask) {
  for (std::int64_t d = 0; d < width; ++d) {
    std::uint32_t x = key + DropoutColumn(d, width);
    x ^= x >> 16;
    x *= kDropoutFactor1;
    x ^= x >> 13;
    x *= kDropoutFactor2;
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
  float* out = mask.data();
  for (const std::uint64_t sequence : sequence_keys) {
    const std::uint64_t key = DropoutSiteKey(sequence, site);
    for (std::int64_t t = 0; t < length; ++t, out += width) {
      FillRow(
          DropoutRowKey(key, length - t), DropoutThreshold(site), DropoutScale(site), width, out);
    }
  }
}

}  // namespace rondo
