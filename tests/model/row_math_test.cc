#include "common/model/row_math.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace rondo {
namespace {

TEST(ExpInPlace, IsWithinTwoUnitsInTheLastPlace) {
  std::vector<float> x;
  for (double value = -86.9; value < 88.0; value += 0.00731) {
    x.push_back(static_cast<float>(value));
  }
  std::vector<float> y = x;
  ExpInPlace(y.data(), static_cast<std::int64_t>(y.size()));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double want = std::exp(static_cast<double>(x[i]));
    ASSERT_NEAR(y[i] / want, 1.0, 2.4e-7) << x[i];
  }
}

TEST(ExpInPlace, VanishesFarBelowZeroAndKeepsNaN) {
  std::vector<float> x = {-1e9F,
                          -std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN(),
                          0.0F};
  ExpInPlace(x.data(), 4);
  EXPECT_LT(x[0], 1e-37F);
  EXPECT_LT(x[1], 1e-37F);
  EXPECT_TRUE(std::isnan(x[2]));
  EXPECT_EQ(x[3], 1.0F);
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
