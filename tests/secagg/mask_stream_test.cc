#include "common/secagg/mask_stream.h"

#include <vector>

#include <gtest/gtest.h>

#include "common/core/rng.h"
#include "common/secagg/vector_spec.h"

namespace rondo::secagg {
namespace {

std::vector<Mask> DrawMasks(std::size_t count) {
  std::vector<Mask> masks;
  for (std::size_t i = 0; i < count; ++i) {
    masks.push_back({.key = SecretBytes::Random(32), .subtract = i % 3 == 1});
  }
  return masks;
}

VectorSpec MixedSpec() {
  return {.segments = {{"a", 33333, 32, 5},
                       {"b", 20001, 24, 5},
                       {"c", 50001, 16, 5},
                       {"d", 9001, 64, 5}},
          .most_clients = 10};
}

TEST(MaskStreamTest, MasksAreTheStreamAddedNumberByNumber) {
  const VectorSpec spec = MixedSpec();
  const std::vector<Mask> masks = DrawMasks(5);
  Bytes packed(spec.bytes(), 0);
  Workers workers(1);

  ApplyMasks(spec, packed, masks, workers);

  std::size_t at = 0;
  for (std::size_t i = 0; i < spec.segments.size(); ++i) {
    const Segment& segment = spec.segments[i];
    std::vector<SecretBytes> streams;
    streams.reserve(masks.size());
    for (const Mask& mask : masks) {
      streams.push_back(MaskStream(mask.key.view(), i, segment.bytes()));
    }
    std::vector<std::int64_t> sums(segment.size);
    Unpack(ByteView(packed).subspan(at, segment.bytes()), segment.bits, sums);
    for (std::size_t j = 0; j < segment.size; ++j) {
      std::uint64_t expected = 0;
      for (std::size_t m = 0; m < masks.size(); ++m) {
        std::uint64_t value = 0;
        for (std::size_t byte = segment.width(); byte-- > 0;) {
          value = value << 8 | streams[m].view()[j * segment.width() + byte];
        }
        expected = masks[m].subtract ? expected - value : expected + value;
      }
      const int shift = 64 - segment.bits;
      ASSERT_EQ(static_cast<std::uint64_t>(sums[j]), expected << shift >> shift)
          << segment.name << ' ' << j;
    }
    at += segment.bytes();
  }
}

TEST(MaskStreamTest, ThreadsChangeNoBit) {
  const VectorSpec spec = MixedSpec();
  const std::vector<Mask> masks = DrawMasks(4);
  Bytes first;
  for (const int threads : {1, 2, 3, 7}) {
    Bytes packed(spec.bytes(), 1);
    Workers workers(threads);
    ApplyMasks(spec, packed, masks, workers);
    if (first.empty()) {
      first = packed;
    }
    EXPECT_EQ(packed, first) << threads;
  }
}

TEST(MaskStreamTest, AddedAndSubtractedMasksCancel) {
  const VectorSpec spec = MixedSpec();
  Rng rng({.purpose = Purpose::kGenerator});
  Bytes packed(spec.bytes());
  for (std::uint8_t& byte : packed) {
    byte = static_cast<std::uint8_t>(rng.NextU32());
  }
  const Bytes before = packed;
  std::vector<Mask> masks = DrawMasks(3);
  Workers workers(2);
  ApplyMasks(spec, packed, masks, workers);
  EXPECT_NE(packed, before);
  for (Mask& mask : masks) {
    mask.subtract = !mask.subtract;
  }
  ApplyMasks(spec, packed, masks, workers);
  EXPECT_EQ(packed, before);
}

TEST(VectorSpecTest, NumbersComeBack) {
  for (const int bits : {16, 24, 32, 64}) {
    const std::vector<std::int64_t> numbers = {0, 1, -1, 12345, -12345, 32767, -32768};
    Bytes packed;
    Pack(numbers, bits, packed);
    EXPECT_EQ(packed.size(), numbers.size() * static_cast<std::size_t>(bits) / 8);
    std::vector<std::int64_t> back(numbers.size());
    Unpack(packed, bits, back);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const std::uint64_t mask = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
      EXPECT_EQ(static_cast<std::uint64_t>(back[i]), static_cast<std::uint64_t>(numbers[i]) & mask);
    }
  }
}

/// Every number of f bits and its sign, weighed by less than 2^w, of n clients.
TEST(VectorSpecTest, WhateverCouldOverflowIsRefused) {
  int refused = 0;
  int accepted = 0;
  for (const int bits : {16, 24, 32}) {
    for (int value_bits = 2; value_bits <= bits; ++value_bits) {
      for (int weight_bits = 0; value_bits + weight_bits <= bits; ++weight_bits) {
        for (const std::uint32_t clients : {1U, 2U, 3U, 5U, 64U, 65U, 100U, 256U, 1000U}) {
          const std::uint64_t most = std::uint64_t{1} << (value_bits - 1 + weight_bits);
          const VectorSpec spec{.segments = {{"delta", 1, bits, most}}, .most_clients = clients};
          const auto log_clients = static_cast<int>(std::bit_width(clients - 1U));
          const bool fits = most * clients < std::uint64_t{1} << (bits - 1);
          EXPECT_EQ(CheckSpec(spec).has_value(), fits);
          if (value_bits + weight_bits + log_clients > bits) {
            EXPECT_FALSE(CheckSpec(spec)) << bits << ' ' << most << ' ' << clients;
          }
          ++(fits ? accepted : refused);
        }
      }
    }
  }
  EXPECT_GT(refused, 1000);
  EXPECT_GT(accepted, 1000);
}

TEST(VectorSpecTest, OddWidthsAndEmptyVectorsAreRefused) {
  for (const int bits : {0, 8, 12, 31, 48, 63, 65}) {
    EXPECT_FALSE(CheckSpec({.segments = {{"delta", 1, bits, 1}}, .most_clients = 3})) << bits;
  }
  EXPECT_FALSE(CheckSpec({.segments = {{"delta", 0, 32, 1}}, .most_clients = 3}));
  EXPECT_FALSE(
      CheckSpec({.segments = {{"delta", std::uint64_t{1} << 62, 64, 1}}, .most_clients = 3}));
  EXPECT_FALSE(CheckSpec({.segments = {}, .most_clients = 3}));
  EXPECT_FALSE(CheckSpec({.segments = {{"delta", 1, 32, 1}}, .most_clients = 0}));
}

TEST(VectorSpecTest, NumbersBeyondTheirBoundAreFound) {
  const VectorSpec spec{.segments = {{"delta", 2, 24, 100}, {"tail", 1, 64, 7}}, .most_clients = 3};
  const auto packed = [](std::int64_t a, std::int64_t b, std::int64_t c) {
    Bytes bytes;
    Pack(std::vector<std::int64_t>{a, b}, 24, bytes);
    Pack(std::vector<std::int64_t>{c}, 64, bytes);
    return bytes;
  };
  EXPECT_TRUE(CheckWithinBounds(spec, packed(100, -100, 7)));
  EXPECT_TRUE(CheckWithinBounds(spec, packed(0, 0, -7)));
  EXPECT_FALSE(CheckWithinBounds(spec, packed(101, 0, 0)));
  EXPECT_FALSE(CheckWithinBounds(spec, packed(0, -101, 0)));
  EXPECT_FALSE(CheckWithinBounds(spec, packed(0, 0, 8)));
  EXPECT_FALSE(CheckWithinBounds(spec, Bytes(3)));
}

}  // namespace
}  // namespace rondo::secagg
