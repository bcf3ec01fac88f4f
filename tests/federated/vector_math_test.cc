#include "common/federated/vector_math.h"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/core/rng.h"

namespace rondo {
namespace {

constexpr double kScale = 0x1p32;
constexpr double kMost = 0x1p40;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> RandomValues(std::size_t size) {
  Rng rng({.seed = 7, .purpose = Purpose::kInit});
  std::vector<float> values(size);
  for (float& value : values) {
    value = static_cast<float>(rng.Normal());
  }
  return values;
}

/// Rounded by the C library, ties to even.
std::int64_t Expected(float value) {
  const double scaled = static_cast<double>(value) * kScale;
  return std::llrint(std::min(std::max(scaled, -kMost), kMost));
}

TEST(FoldExact, AddsWhatTheLibraryRounds) {
  // 0x1p-32 * 0.5 and 1.5 are ties.
  std::vector<float> values = RandomValues(1003);
  values.insert(values.end(), {0x1p-33F, 0x1.8p-32F, -0x1p-33F, -0x1.8p-32F, -0.0F});
  std::vector<std::int64_t> sums(values.size(), 5);

  EXPECT_EQ(FoldExact(sums, values, kScale, kMost), 0U);

  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(sums[i], 5 + Expected(values[i])) << values[i];
  }
}

TEST(FoldExact, OneLargeValueIsClampedAndChangesNoOther) {
  std::vector<float> values = RandomValues(1003);
  values[500] = -300.0F;  // Beyond 2^40 steps of 2^-32.
  std::vector<std::int64_t> sums(values.size(), 0);

  EXPECT_EQ(FoldExact(sums, values, kScale, kMost), 1U);

  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(sums[i], Expected(values[i])) << values[i];
  }
}

TEST(FoldExact, ValuesBeyondTheRoundingTrickAreTakenAsTheyAre) {
  const std::vector<float> values = {0x1p52F, -0x1.8p61F, 1.0F};
  std::vector<std::int64_t> sums(values.size(), 0);

  EXPECT_EQ(FoldExact(sums, values, 1.0, 0x1p62), 0U);

  EXPECT_EQ(sums, (std::vector<std::int64_t>{std::int64_t{1} << 52, -(std::int64_t{3} << 60), 1}));
}

TEST(AllFinite, FindsTheOneBadValueWhereverItIs) {
  std::vector<float> values = RandomValues(70);
  EXPECT_TRUE(AllFinite(values));
  EXPECT_TRUE(AllFinite({}));
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (const float bad : {kInfinity, -kInfinity, std::nanf("")}) {
      const float good = std::exchange(values[i], bad);
      EXPECT_FALSE(AllFinite(values)) << i;
      values[i] = good;
    }
  }
}

TEST(WithinLimit, HoldsForBothSignsOfAPlainSum) {
  constexpr std::uint64_t kNoRing = ~std::uint64_t{0};
  const std::vector<std::int64_t> inside = {0, 9, -9};

  EXPECT_TRUE(WithinLimit(inside, kNoRing, 9));
  EXPECT_FALSE(WithinLimit(inside, kNoRing, 8));
  EXPECT_FALSE(WithinLimit(std::vector<std::int64_t>{10}, kNoRing, 9));
  EXPECT_FALSE(WithinLimit(std::vector<std::int64_t>{-10}, kNoRing, 9));
  EXPECT_FALSE(WithinLimit(std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::min()},
                           kNoRing,
                           std::uint64_t{1} << 62));
}

TEST(WithinLimit, CentresTheRing) {
  constexpr std::uint64_t kRing = 255;  // 256 numbers; 250 stands for -6.
  const std::vector<std::int64_t> inside = {0, 6, 250};

  EXPECT_TRUE(WithinLimit(inside, kRing, 6));
  EXPECT_FALSE(WithinLimit(inside, kRing, 5));
  EXPECT_FALSE(WithinLimit(std::vector<std::int64_t>{7}, kRing, 6));
  EXPECT_FALSE(WithinLimit(std::vector<std::int64_t>{249}, kRing, 6));
  EXPECT_FALSE(WithinLimit(std::vector<std::int64_t>{256}, kRing, 6)) << "no number of the ring";
  EXPECT_FALSE(WithinLimit(std::vector<std::int64_t>{-6}, kRing, 6)) << "no number of the ring";
}

TEST(Scale, RoundsEachProductOnce) {
  std::vector<float> values = RandomValues(1003);
  const std::vector<float> before = values;
  Scale(values, 0.1);
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(values[i], static_cast<float>(static_cast<double>(before[i]) * 0.1)) << i;
  }
}

TEST(AddScaled, RoundsEachSumOnce) {
  std::vector<float> sums = RandomValues(1003);
  const std::vector<float> before = sums;
  std::vector<float> values(sums.rbegin(), sums.rend());
  AddScaled(sums, values, 0.3);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const double want = static_cast<double>(before[i]) + 0.3 * static_cast<double>(values[i]);
    EXPECT_EQ(sums[i], static_cast<float>(want)) << i;
  }
}

TEST(MeanOfGrid, CentresTheRingAndDividesOnce) {
  const std::vector<std::int64_t> plain = {0, 1, -1, 7, -(std::int64_t{1} << 40)};
  std::vector<float> mean(plain.size());
  MeanOfGrid(plain, 0, 0.5, 3.0, mean);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    EXPECT_EQ(mean[i], static_cast<float>(static_cast<double>(plain[i]) * 0.5 / 3.0)) << i;
  }
  const std::vector<std::int64_t> ring = {0, 1, 31, 32, 63};  // of 64 numbers
  mean.resize(ring.size());
  MeanOfGrid(ring, 64, 1.0, 1.0, mean);
  EXPECT_EQ(mean, (std::vector<float>{0.0F, 1.0F, 31.0F, -32.0F, -1.0F}));
}

}  // namespace
}  // namespace rondo
