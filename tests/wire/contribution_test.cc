#include <cmath>
#include <sys/resource.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/wire/messages.h"

namespace rondo::wire {
namespace {

using ::testing::HasSubstr;

const std::string kDigest(64, 'a');

/// The numbers of MakeContribution.
constexpr std::uint64_t kElements = 7;

Contribution MakeContribution() {
  Contribution contribution{
      .round = 3, .weight = 17, .loss = std::nan(""), .saturated = 2, .seconds = 0.5};
  contribution.blocks.push_back(
      {.name = "delta", .layout_digest = kDigest, .reals = {1.5F, -2.25F, 0.0F}});
  contribution.blocks.push_back({.name = "metrics",
                                 .layout_digest = kDigest,
                                 .scaling = Scaling::kPerClient,
                                 .integers = {-1, 1LL << 40}});
  contribution.blocks.push_back(
      {.name = "ring",
       .layout_digest = kDigest,
       .grid = {.kind = GridSpec::Kind::kRing, .bits = 20, .step = 0.5, .limit = 4},
       .integers = {0, (1 << 20) - 1}});
  contribution.blocks.push_back(
      {.name = "packed", .layout_digest = kDigest, .packed = {0x00, 0xFF, 0x80}});
  return contribution;
}

TEST(Contribution, ComesBackUnchanged) {
  const auto decoded = DecodeContribution(EncodeContribution(MakeContribution()), kElements);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
  const Contribution& got = decoded.value();
  EXPECT_EQ(got.weight, 17U);
  EXPECT_TRUE(std::isnan(got.loss));
  ASSERT_EQ(got.blocks.size(), 4U);
  EXPECT_EQ(got.blocks[0].reals, (std::vector<float>{1.5F, -2.25F, 0.0F}));
  EXPECT_EQ(got.blocks[1].integers, (std::vector<std::int64_t>{-1, 1LL << 40}));
  EXPECT_EQ(got.blocks[2].integers, (std::vector<std::int64_t>{0, (1 << 20) - 1}));
  EXPECT_EQ(got.blocks[2].grid, MakeContribution().blocks[2].grid);
  EXPECT_EQ(got.blocks[3].packed, (Bytes{0x00, 0xFF, 0x80}));
  EXPECT_TRUE(got.blocks[3].reals.empty());
  EXPECT_TRUE(got.blocks[3].integers.empty());
}

TEST(Contribution, BrokenBytesGiveAnErrorOrAValidContribution) {
  const Bytes good = EncodeContribution(MakeContribution());
  for (std::size_t i = 0; i < good.size(); ++i) {
    const auto prefix = DecodeContribution(ByteView(good).first(i), kElements);
    if (!prefix) {
      EXPECT_EQ(prefix.error().code, ErrorCode::kCorrupt);
    }
    for (const int mask : {0x01, 0x10, 0x80, 0xFF}) {
      Bytes bad = good;
      bad[i] = static_cast<std::uint8_t>(bad[i] ^ mask);
      const auto decoded = DecodeContribution(bad, kElements);
      if (!decoded) {
        EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
      }
    }
  }
}

/// The most memory that this process has held so far, in bytes.
std::int64_t PeakMemory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * std::int64_t{1024};
}

TEST(Contribution, ManyEmptyBlocksAreRefusedBeforeTheyTakeMemory) {
  Bytes bytes;
  for (int i = 0; i < 4'000'000; ++i) {
    bytes.push_back(7 << 3 | 2);  // Field 7, a message
    bytes.push_back(0);           // of no bytes.
  }
  const std::int64_t before = PeakMemory();

  const auto decoded = DecodeContribution(bytes, kElements);

  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(decoded.error().message, HasSubstr("more than 64"));
  EXPECT_LT(PeakMemory() - before, std::int64_t{16} << 20);
}

TEST(Contribution, MoreNumbersThanTheLayoutHasAreRefused) {
  for (const std::uint64_t elements : {std::uint64_t{0}, std::uint64_t{2}, kElements - 1}) {
    const auto decoded = DecodeContribution(EncodeContribution(MakeContribution()), elements);
    ASSERT_FALSE(decoded.has_value()) << elements;
    EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(decoded.error().message, HasSubstr("more numbers than the layout has"));
  }
}

TEST(Contribution, MorePackedBytesThanTheLayoutAllowsAreRefused) {
  Contribution large = MakeContribution();
  large.blocks[3].packed.assign(ContributionCap(0) + 1, 0);

  const auto none_left = DecodeContribution(EncodeContribution(large), kElements);
  const auto one_left = DecodeContribution(EncodeContribution(large), kElements + 1);

  ASSERT_FALSE(none_left.has_value());
  EXPECT_EQ(none_left.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(none_left.error().message, HasSubstr("more than the layout allows"));
  EXPECT_TRUE(one_left.has_value());
}

TEST(Contribution, PackedNumbersOnTheRingAreRefused) {
  Contribution ring = MakeContribution();
  ring.blocks[3].grid = ring.blocks[2].grid;

  const auto decoded = DecodeContribution(EncodeContribution(ring), kElements);

  ASSERT_FALSE(decoded.has_value());
  EXPECT_THAT(decoded.error().message, HasSubstr("outside the exact grid"));
}

TEST(Contribution, RefusesRepeatedNamesZeroWeightAndValuesOffTheRing) {
  Contribution twice = MakeContribution();
  twice.blocks[1].name = "delta";
  Contribution weightless = MakeContribution();
  weightless.weight = 0;
  Contribution off_ring = MakeContribution();
  off_ring.blocks[2].integers[1] = 1 << 20;
  for (const Contribution& bad : {twice, weightless, off_ring}) {
    const auto decoded = DecodeContribution(EncodeContribution(bad), kElements);
    ASSERT_FALSE(decoded.has_value());
    EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
  }
}

}  // namespace
}  // namespace rondo::wire
