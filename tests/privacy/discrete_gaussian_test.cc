#include "common/privacy/discrete_gaussian.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>

#include "common/core/rng.h"

namespace rondo {
namespace {

RandomWords Seeded(std::uint64_t seed) {
  return [rng = Rng({.seed = seed, .purpose = Purpose::kBootstrap})](
             std::span<std::uint32_t> words) mutable {
    for (std::uint32_t& word : words) {
      word = rng.NextU32();
    }
  };
}

/// How many standard deviations a chi-square statistic is above its mean, by the cube root that
/// makes it normal (Wilson and Hilferty 1931).
double Surprise(double statistic, double freedom) {
  const double spread = 2.0 / (9.0 * freedom);
  return (std::cbrt(statistic / freedom) - (1.0 - spread)) / std::sqrt(spread);
}

/// The statistic of `draws` against the law itself, cells with an expectation below 10 in the
/// tails.
double SurpriseOf(std::uint64_t sigma, int draws, std::uint64_t seed) {
  DiscreteGaussian law(sigma, Seeded(seed));
  std::map<std::int64_t, int> counts;
  for (int i = 0; i < draws; ++i) {
    ++counts[law.Draw()];
  }
  const double variance = static_cast<double>(sigma) * static_cast<double>(sigma);
  const auto weight = [&](std::int64_t n) {
    return std::exp(-static_cast<double>(n) * static_cast<double>(n) / (2.0 * variance));
  };
  const auto reach = static_cast<std::int64_t>(40 * sigma);
  double total = 0.0;
  for (std::int64_t n = -reach; n <= reach; ++n) {
    total += weight(n);
  }
  double statistic = 0.0;
  double rest = draws;
  int rest_counted = draws;
  int cells = 0;
  for (std::int64_t n = -reach; n <= reach; ++n) {
    const double expected = draws * weight(n) / total;
    if (expected >= 10.0) {
      const int counted = counts[n];
      statistic += (counted - expected) * (counted - expected) / expected;
      rest -= expected;
      rest_counted -= counted;
      ++cells;
    }
  }
  // What is in neither counts as one cell.
  statistic += (rest_counted - rest) * (rest_counted - rest) / std::max(rest, 1.0);
  return Surprise(statistic, cells);
}

TEST(DiscreteGaussianTest, FollowsItsLaw) {
  constexpr double kOnceInAMillion = 4.75;

  const struct {
    std::uint64_t sigma;
    int draws;
  } cases[] = {{1, 1'000'000}, {2, 1'000'000}, {3, 1'000'000}, {17, 1'000'000}, {100, 1'000'000}};

  for (const auto& test : cases) {
    EXPECT_LT(SurpriseOf(test.sigma, test.draws, test.sigma), kOnceInAMillion) << test.sigma;
  }
}

/// Wide laws in cells of equal width.
TEST(DiscreteGaussianTest, WideLawsFollowTheNormalCurve) {
  constexpr int kDraws = 1'000'000;
  constexpr int kHalf = 32;  // cells of a sixteenth of sigma, to two sigma
  for (const int bits : {31, 33, 60}) {
    const std::uint64_t sigma = (std::uint64_t{1} << bits) - (bits == 33 ? 12345U : 0U);
    DiscreteGaussian law(sigma, Seeded(static_cast<std::uint64_t>(bits)));
    std::vector<int> counts(2 * kHalf, 0);
    int inside = 0;
    for (int i = 0; i < kDraws; ++i) {
      const double z = static_cast<double>(law.Draw()) / static_cast<double>(sigma);
      const double cell = std::floor(16.0 * z) + kHalf;
      if (cell >= 0 && cell < 2 * kHalf) {
        ++counts[static_cast<std::size_t>(cell)];
        ++inside;
      }
    }
    const auto below = [](double z) {
      return 0.5 * std::erfc(-z / std::numbers::sqrt2);
    };
    double statistic = 0.0;
    for (int cell = 0; cell < 2 * kHalf; ++cell) {
      const double from = (cell - kHalf) / 16.0;
      const double expected = kDraws * (below(from + 1.0 / 16.0) - below(from));
      const double off = counts[static_cast<std::size_t>(cell)] - expected;
      statistic += off * off / expected;
    }
    EXPECT_LT(Surprise(statistic, 2 * kHalf), 4.75) << bits;
    EXPECT_NEAR(inside / static_cast<double>(kDraws), 0.9544997, 0.0012) << bits;
  }
}

/// Clients under masks add a share each; the sum must be worth the whole.
TEST(DiscreteGaussianTest, VariancesOfSharesAddUp) {
  constexpr int kSums = 200'000;
  constexpr int kShares = 10;
  constexpr std::uint64_t kShare = 50;
  DiscreteGaussian law(kShare, Seeded(7));
  double sum = 0.0;
  double squares = 0.0;
  for (int i = 0; i < kSums; ++i) {
    std::int64_t total = 0;
    for (int share = 0; share < kShares; ++share) {
      total += law.Draw();
    }
    sum += static_cast<double>(total);
    squares += static_cast<double>(total) * static_cast<double>(total);
  }
  const double expected = kShares * static_cast<double>(kShare * kShare);
  EXPECT_NEAR(squares / kSums / expected, 1.0, 0.01);
  EXPECT_LT(std::abs(sum / kSums), 5.0 * std::sqrt(expected / kSums));
}

TEST(DiscreteGaussianTest, EqualWordsGiveEqualNumbersAndOthersDiffer) {
  DiscreteGaussian a(1000, Seeded(1));
  DiscreteGaussian b(1000, Seeded(1));
  DiscreteGaussian c(1000, Seeded(2));
  int same = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::int64_t drawn = a.Draw();
    EXPECT_EQ(drawn, b.Draw());
    same += drawn == c.Draw() ? 1 : 0;
  }
  EXPECT_LT(same, 10);
}

}  // namespace
}  // namespace rondo
