#include "common/metrics/rank.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "common/core/rng.h"

namespace rondo {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Truth by enumeration: every choice of `negatives` among the other candidates and every order of
// ties.
std::vector<double> Enumerate(std::uint32_t greater,
                              std::uint32_t ties,
                              std::uint32_t less,
                              std::uint32_t negatives,
                              int length) {
  const std::uint32_t others = greater + ties + less;
  std::vector<double> positions(static_cast<std::size_t>(length), 0.0);
  double draws = 0.0;
  for (std::uint32_t mask = 0; mask < (1U << others); ++mask) {
    std::uint32_t drawn = 0;
    std::uint32_t above = 0;
    std::uint32_t level = 0;
    for (std::uint32_t i = 0; i < others; ++i) {
      if ((mask >> i & 1U) != 0) {
        ++drawn;
        above += i < greater ? 1 : 0;
        level += i >= greater && i < greater + ties ? 1 : 0;
      }
    }
    if (drawn != std::min(negatives, others)) {
      continue;
    }
    draws += 1.0;
    for (std::uint32_t p = above; p <= above + level; ++p) {
      if (p < positions.size()) {
        positions[p] += 1.0 / (level + 1.0);
      }
    }
  }
  for (double& position : positions) {
    position /= draws;
  }
  return positions;
}

TEST(RankTest, CountsGreaterAndTiedCandidatesAndIgnoresPadding) {
  const std::vector<float> scores = {99.0F, 5.0F, 3.0F, 3.0F, 1.0F, 7.0F};
  const Rank rank = RankTarget(scores, 2, {});
  EXPECT_EQ(rank.greater, 2U);
  EXPECT_EQ(rank.ties, 1U);
  EXPECT_EQ(rank.candidates, 5U);
  EXPECT_FALSE(rank.miss);
}

TEST(RankTest, FiltersSeenItemsButNeverTheTarget) {
  const std::vector<float> scores = {0.0F, 5.0F, 3.0F, 3.0F, 1.0F, 7.0F};
  const std::vector<ItemRow> seen = {1, 2, 3};
  const Rank rank = RankTarget(scores, 2, seen);
  EXPECT_EQ(rank.greater, 1U);
  EXPECT_EQ(rank.ties, 0U);
  EXPECT_EQ(rank.candidates, 3U);
}

TEST(RankTest, NanTargetRanksLastAndOtherNansAreWorst) {
  const std::vector<float> scores = {kNan, kNan, 3.0F, kNan, 1.0F};
  const Rank last = RankTarget(scores, 1, {});
  EXPECT_EQ(last.greater, 3U);
  EXPECT_EQ(last.ties, 0U);
  EXPECT_EQ(last.nans, 2U);
  const Rank above_nans = RankTarget(scores, 4, {});
  EXPECT_EQ(above_nans.greater, 1U);
  EXPECT_EQ(above_nans.ties, 0U);
}

TEST(RankTest, TargetOutsideTheCatalogueIsAMiss) {
  const std::vector<float> scores = {0.0F, 1.0F, 2.0F};
  const Rank rank = RankTarget(scores, 0, {});
  EXPECT_TRUE(rank.miss);
  EXPECT_EQ(MetricsAt(FullPositions(rank, 10), 10).hr, 0.0);
  EXPECT_EQ(MetricsAt(SampledPositions(2)(rank, 99, 10), 10).hr, 0.0);
}

TEST(RankTest, TiesGiveTheMeanOverTheirPlaces) {
  // One item above, two tied with the target: places 2, 3, 4 with a third each.
  const TargetMetrics at3 =
      MetricsAt(FullPositions({.greater = 1, .ties = 2, .candidates = 9}, 5), 3);
  EXPECT_NEAR(at3.hr, 2.0 / 3.0, 1e-15);
  EXPECT_NEAR(at3.ndcg, (1.0 / std::log2(3.0) + 1.0 / std::log2(4.0)) / 3.0, 1e-15);
  EXPECT_NEAR(at3.mrr, (1.0 / 2.0 + 1.0 / 3.0) / 3.0, 1e-15);
  EXPECT_NEAR(at3.precision, 2.0 / 9.0, 1e-15);
  EXPECT_NEAR(at3.f1, 2.0 * (2.0 / 3.0) / 4.0, 1e-15);
}

TEST(RankTest, ConstantScoresGiveChance) {
  const std::vector<float> scores(101, 0.5F);
  const Rank rank = RankTarget(scores, 37, {});
  EXPECT_NEAR(MetricsAt(FullPositions(rank, 10), 10).hr, 0.1, 1e-12);
  const Rank wide{.greater = 0, .ties = 999, .candidates = 1000};
  EXPECT_NEAR(MetricsAt(SampledPositions(1000)(wide, 99, 10), 10).hr, 0.1, 1e-9);
}

TEST(RankTest, SampledExpectationEqualsEnumerationOfAllDraws) {
  const SampledPositions sampled(20);
  for (std::uint32_t greater = 0; greater <= 4; ++greater) {
    for (std::uint32_t ties = 0; ties <= 4; ++ties) {
      for (std::uint32_t less = 0; less <= 4; ++less) {
        for (const std::uint32_t negatives : {1U, 3U, 6U, 99U}) {
          const Rank rank{
              .greater = greater, .ties = ties, .candidates = greater + ties + less + 1};
          const std::vector<double> expected = Enumerate(greater, ties, less, negatives, 5);
          const std::vector<double> actual = sampled(rank, negatives, 5);
          for (std::size_t p = 0; p < expected.size(); ++p) {
            EXPECT_NEAR(actual[p], expected[p], 1e-12)
                << greater << " " << ties << " " << less << " " << negatives;
          }
        }
      }
    }
  }
}

TEST(RankTest, SampledExpectationAgreesWithSimulatedDraws) {
  constexpr std::uint32_t kGreater = 120;
  constexpr std::uint32_t kTies = 40;
  constexpr std::uint32_t kOthers = 1500;
  const Rank rank{.greater = kGreater, .ties = kTies, .candidates = kOthers + 1};
  const TargetMetrics exact = MetricsAt(SampledPositions(kOthers)(rank, 99, 10), 10);
  Rng rng({.seed = 7, .purpose = Purpose::kNegatives});
  std::vector<std::uint32_t> items(kOthers);
  constexpr int kDraws = 20000;
  double hr = 0.0;
  double ndcg = 0.0;
  for (int draw = 0; draw < kDraws; ++draw) {
    std::iota(items.begin(), items.end(), 0U);
    std::uint32_t above = 0;
    std::uint64_t level = 0;
    for (std::size_t i = 0; i < 99; ++i) {
      std::swap(items[i], items[i + rng.Below(kOthers - i)]);
      above += items[i] < kGreater ? 1U : 0U;
      level += items[i] >= kGreater && items[i] < kGreater + kTies ? 1U : 0U;
    }
    const std::uint64_t place = above + rng.Below(level + 1);
    hr += place < 10 ? 1.0 : 0.0;
    ndcg += place < 10 ? 1.0 / std::log2(static_cast<double>(place) + 2.0) : 0.0;
  }
  EXPECT_NEAR(hr / kDraws, exact.hr, 0.015);
  EXPECT_NEAR(ndcg / kDraws, exact.ndcg, 0.01);
}

}  // namespace
}  // namespace rondo
