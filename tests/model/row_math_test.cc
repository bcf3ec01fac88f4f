#include "common/model/row_math.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include <gtest/gtest.h>

namespace rondo {
namespace {

TEST(SoftmaxRows, TakesExponentsWithinAFewUnitsInTheLastPlace) {
  for (double value = -86.9; value < 0.0; value += 0.00731) {
    const auto x = static_cast<float>(value);
    std::vector<float> rows = {x, 0.0F, 0.0F, x};
    SoftmaxRows(rows.data(), 2, false);
    ASSERT_NEAR(rows[0] / rows[1] / std::exp(static_cast<double>(x)), 1.0, 5e-7) << x;
    ASSERT_EQ(rows[0], rows[3]);
  }
}

TEST(SoftmaxRows, GivesNothingFarBelowTheHighestAndKeepsNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> rows = {-1e9F, 0.0F, nan, 0.0F};
  SoftmaxRows(rows.data(), 2, false);
  EXPECT_LT(rows[0], 1e-37F);
  EXPECT_EQ(rows[1], 1.0F);
  EXPECT_TRUE(std::isnan(rows[2]) && std::isnan(rows[3]));
}

TEST(CrossEntropyRow, IsTheLogOfTheSoftmaxWithItsGradient) {
  std::vector<float> logits = {1.0F, -2.0F, 30.0F, 29.0F, 0.5F};
  const std::vector<float> before = logits;
  const float loss = CrossEntropyRow(logits.data(), 5, 3, 0.25F);
  double total = 0.0;
  for (const float logit : before) {
    total += std::exp(static_cast<double>(logit));
  }
  EXPECT_NEAR(loss, std::log(total) - 29.0, 1e-6);
  for (std::size_t i = 0; i < 5; ++i) {
    const double share = std::exp(static_cast<double>(before[i])) / total;
    EXPECT_NEAR(logits[i], 0.25 * (share - (i == 3 ? 1.0 : 0.0)), 1e-7) << i;
  }
}

TEST(BinaryCrossEntropyRow, IsTheSumOfSoftplusesWithItsGradient) {
  for (const float shift : {0.0F, 60.0F, -60.0F}) {
    std::vector<float> scores = {1.5F + shift, -2.0F, 0.25F + shift, 40.0F};
    const std::vector<float> before = scores;
    const float loss = BinaryCrossEntropyRow(scores.data(), 4, 0.5F, 1.0F);
    double want = 0.0;
    for (std::size_t i = 0; i < 4; ++i) {
      const double x = i == 0 ? -static_cast<double>(before[i]) : static_cast<double>(before[i]);
      want += std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
      const double slope = 0.5 / (1.0 + std::exp(-x));
      EXPECT_NEAR(scores[i], i == 0 ? -slope : slope, 1e-7) << i;
    }
    EXPECT_NEAR(loss, want, 1e-6 * std::max(1.0, want));
  }
  std::vector<float> bad = {0.0F, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_TRUE(std::isnan(BinaryCrossEntropyRow(bad.data(), 2, 1.0F, 1.0F)));
  EXPECT_TRUE(std::isnan(bad[1]));
}

TEST(ScoreRows, AreDotProductsOfChosenRowsAndTheirGradient) {
  constexpr std::int64_t kWidth = 19;
  std::vector<float> table(static_cast<std::size_t>(40 * kWidth));
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<float>(i * 7919 % 101) * 0.01F - 0.5F;
  }
  const std::vector<std::int64_t> index = {3, 39, 3, 0, 12, 1, 2, 4, 5, 6, 7};  // 3 twice
  const std::span<const float> state = std::span(table).subspan(5 * kWidth, kWidth);
  std::vector<float> scores(index.size());
  ScoreRows(state.data(), table.data(), index.data(), std::ssize(index), kWidth, scores.data());
  std::vector<float> to_state(kWidth, 1.0F);
  std::vector<float> to_table(table.size(), 2.0F);
  ScoreRowsBackward(scores.data(),
                    state.data(),
                    table.data(),
                    index.data(),
                    std::ssize(index),
                    kWidth,
                    to_state.data(),
                    to_table.data());
  std::vector<double> want_state(kWidth, 1.0);
  std::vector<double> want_table(table.size(), 2.0);
  for (std::size_t i = 0; i < index.size(); ++i) {
    const auto row = static_cast<std::size_t>(index[i] * kWidth);
    double dot = 0.0;
    for (std::size_t d = 0; d < kWidth; ++d) {
      dot += static_cast<double>(state[d]) * static_cast<double>(table[row + d]);
    }
    EXPECT_NEAR(scores[i], dot, 1e-5) << i;
    for (std::size_t d = 0; d < kWidth; ++d) {
      want_state[d] += dot * static_cast<double>(table[row + d]);
      want_table[row + d] += dot * static_cast<double>(state[d]);
    }
  }
  for (std::size_t d = 0; d < kWidth; ++d) {
    EXPECT_NEAR(to_state[d], want_state[d], 1e-4) << d;
  }
  for (std::size_t i = 0; i < table.size(); ++i) {
    EXPECT_NEAR(to_table[i], want_table[i], 1e-4) << i;
  }
}

TEST(CrossEntropyRow, NaNIsNeverHidden) {
  std::vector<float> logits(40, 1.0F);
  logits[17] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(CrossEntropyRow(logits.data(), 40, 3, 1.0F)));
}

TEST(SoftmaxRows, CausalRowsSumToOneAndSeeNoLaterColumn) {
  constexpr std::int64_t kLength = 37;
  std::vector<float> scores(kLength * kLength);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    scores[i] = static_cast<float>(i * 7919 % 101) * 0.1F;
  }
  SoftmaxRows(scores.data(), kLength, true);
  for (std::int64_t row = 0; row < kLength; ++row) {
    const float* const shares = scores.data() + row * kLength;
    EXPECT_NEAR(std::accumulate(shares, shares + row + 1, 0.0), 1.0, 1e-6) << row;
    for (std::int64_t later = row + 1; later < kLength; ++later) {
      EXPECT_EQ(shares[later], 0.0F) << row << ", " << later;
    }
  }
}

}  // namespace
}  // namespace rondo
