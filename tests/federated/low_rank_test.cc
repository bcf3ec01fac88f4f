#include "common/federated/low_rank.h"

#include <cmath>
#include <fstream>

#include <gtest/gtest.h>

#include "common/core/rng.h"

namespace rondo {
namespace {

constexpr std::int64_t kWidth = 8;
constexpr std::int64_t kRank = 2;

/// A table that is sketched, one that is too narrow, and tensors that are no tables.
std::shared_ptr<const ParameterLayout> Whole() {
  return ParameterLayout::Create({{.name = "item",
                                   .shape = {5, kWidth},
                                   .row_addressable = true,
                                   .zero_first_row = true},
                                  {.name = "narrow", .shape = {3, kRank}, .row_addressable = true},
                                  {.name = "matrix", .shape = {kWidth, kWidth}},
                                  {.name = "bias", .shape = {4}}})
      .value();
}

ParameterVector RandomVector(const std::shared_ptr<const ParameterLayout>& layout,
                             std::uint64_t seed) {
  Rng rng({.seed = seed, .purpose = Purpose::kInit});
  ParameterVector vector{.layout = layout, .values = std::vector<float>(layout->size())};
  for (float& value : vector.values) {
    value = static_cast<float>(rng.Normal());
  }
  return vector;
}

double At(const std::vector<double>& q, std::int64_t rank, std::int64_t row, std::int64_t column) {
  return q[static_cast<std::size_t>(row * rank + column)];
}

TEST(LowRank, TheProjectionIsThatOfNumpy) {
  std::ifstream file(RONDO_GOLDEN_DIR "/projection.txt");
  std::uint64_t seed = 0;
  std::uint64_t round = 0;
  std::int64_t width = 0;
  std::int64_t rank = 0;
  int cases = 0;
  while (file >> seed >> round >> width >> rank) {
    const std::vector<double> q = RandomProjection(seed, round, width, rank);
    ASSERT_EQ(q.size(), static_cast<std::size_t>(width * rank));
    for (const double number : q) {
      double expected = 0.0;
      file >> expected;
      EXPECT_NEAR(number, expected, 1e-12) << "seed " << seed << ", width " << width;
    }
    ++cases;
  }
  EXPECT_EQ(cases, 5);
}

TEST(LowRank, TheProjectionHasOrthonormalColumns) {
  for (const std::int64_t rank : {std::int64_t{1}, std::int64_t{7}, std::int64_t{64}}) {
    const std::vector<double> q = RandomProjection(3, 4, 64, rank);
    for (std::int64_t a = 0; a < rank; ++a) {
      for (std::int64_t b = 0; b < rank; ++b) {
        double product = 0.0;
        for (std::int64_t row = 0; row < 64; ++row) {
          product += At(q, rank, row, a) * At(q, rank, row, b);
        }
        EXPECT_NEAR(product, a == b ? 1.0 : 0.0, 1e-12) << a << " " << b << " of " << rank;
      }
    }
  }
}

TEST(LowRank, EveryRoundHasItsOwnProjection) {
  EXPECT_EQ(RandomProjection(1, 2, 8, 2), RandomProjection(1, 2, 8, 2));
  EXPECT_NE(RandomProjection(1, 2, 8, 2), RandomProjection(1, 3, 8, 2));
  EXPECT_NE(RandomProjection(1, 2, 8, 2), RandomProjection(2, 2, 8, 2));
}

TEST(LowRank, OnlyWideTablesLoseColumns) {
  const auto whole = Whole();

  const auto sketch = LowRankLayout(whole, kRank);

  EXPECT_EQ(sketch->Find("item")->shape, (std::vector<std::int64_t>{5, kRank}));
  EXPECT_TRUE(sketch->Find("item")->row_addressable);
  EXPECT_EQ(sketch->Find("narrow")->shape, whole->Find("narrow")->shape);
  EXPECT_EQ(sketch->Find("matrix")->shape, whole->Find("matrix")->shape);
  EXPECT_EQ(sketch->size(), whole->size() - 5 * (kWidth - kRank));
  EXPECT_NE(sketch->digest(), whole->digest());
  EXPECT_EQ(LowRankLayout(whole, kWidth), whole);
}

TEST(LowRank, SketchesARowByItsProductsWithTheColumns) {
  const auto whole = Whole();
  const ParameterVector delta = RandomVector(whole, 1);
  const std::vector<double> q = RandomProjection(9, 6, kWidth, kRank);

  const ParameterVector sketch = Project(delta, LowRankLayout(whole, kRank), 9, 6);
  const ParameterVector back = Unproject(sketch, whole, 9, 6);

  for (std::int64_t row = 0; row < 5; ++row) {
    const auto in = delta.Tensor("item").subspan(static_cast<std::size_t>(row * kWidth), kWidth);
    const auto low = sketch.Tensor("item").subspan(static_cast<std::size_t>(row * kRank), kRank);
    const auto out = back.Tensor("item").subspan(static_cast<std::size_t>(row * kWidth), kWidth);
    for (std::int64_t a = 0; a < kWidth; ++a) {
      double expected = 0.0;  // (width / rank) d Q Q^T
      for (std::int64_t b = 0; b < kRank; ++b) {
        double product = 0.0;
        for (std::int64_t c = 0; c < kWidth; ++c) {
          product += in[static_cast<std::size_t>(c)] * At(q, kRank, c, b);
        }
        EXPECT_NEAR(low[static_cast<std::size_t>(b)], product, 1e-6);
        expected += 4.0 * product * At(q, kRank, a, b);
      }
      EXPECT_NEAR(out[static_cast<std::size_t>(a)], expected, 1e-5);
    }
  }
  for (const char* const same : {"narrow", "matrix", "bias"}) {
    const auto in = delta.Tensor(same);
    const auto out = back.Tensor(same);
    EXPECT_TRUE(std::equal(in.begin(), in.end(), out.begin(), out.end())) << same;
  }
}

TEST(LowRank, TheSketchOfASumIsTheSumOfTheSketches) {
  const auto whole = Whole();
  const auto low = LowRankLayout(whole, kRank);
  const ParameterVector a = RandomVector(whole, 1);
  const ParameterVector b = RandomVector(whole, 2);
  ParameterVector sum = a;
  for (std::size_t i = 0; i < sum.values.size(); ++i) {
    sum.values[i] += b.values[i];
  }

  const ParameterVector of_sum = Project(sum, low, 1, 1);
  const ParameterVector of_a = Project(a, low, 1, 1);
  const ParameterVector of_b = Project(b, low, 1, 1);

  for (std::size_t i = 0; i < of_sum.values.size(); ++i) {
    EXPECT_NEAR(of_sum.values[i], of_a.values[i] + of_b.values[i], 1e-5) << i;
  }
}

TEST(LowRank, OverManyRoundsTheMeanIsTheChangeItself) {
  const auto whole = Whole();
  const auto low = LowRankLayout(whole, kRank);
  ParameterVector delta{.layout = whole, .values = std::vector<float>(whole->size())};
  for (std::size_t row = 0; row < 5; ++row) {
    delta.Tensor("item")[row * kWidth + row] = 1.0F;  // Unit vectors: the rows of the identity.
  }
  constexpr int kRounds = 4000;

  std::vector<double> sums(5 * kWidth);
  for (int round = 1; round <= kRounds; ++round) {
    const auto r = static_cast<std::uint64_t>(round);
    const ParameterVector back = Unproject(Project(delta, low, 11, r), whole, 11, r);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      sums[i] += static_cast<double>(back.Tensor("item")[i]);
    }
  }

  // A squared entry of the projector is Beta(1, 3), so a diagonal number has variance 16 * 0.0375;
  // the others have less. Five deviations of the mean are passed by chance once in 1.7 million.
  const double bound = 5.0 * std::sqrt(0.6 / kRounds);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    EXPECT_NEAR(sums[i] / kRounds, delta.Tensor("item")[i], bound) << i;
  }
}

}  // namespace
}  // namespace rondo
