#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "common/federated/update_sum.h"

namespace rondo {
namespace {

std::shared_ptr<const ParameterLayout> Flat(std::size_t size) {
  return ParameterLayout::Create({{.name = "x", .shape = {static_cast<std::int64_t>(size)}}})
      .value();
}

std::vector<float> Draw(std::size_t size, std::uint64_t seed) {
  Rng rng(StreamName{.seed = seed});
  std::vector<float> values(size);
  for (float& value : values) {
    value = static_cast<float>(rng.Normal() * 0.1);
  }
  return values;
}

GridSpec Ring(int bits, double range, std::uint64_t clients) {
  return MakeGrid(PrivacyConfig{.grid = "ring", .ring_bits = bits, .ring_range = range}, 1, clients)
      .value();
}

TEST(FoldDense, OrderOfUpdatesDoesNotMatter) {
  constexpr std::size_t kSize = 1000;
  const GridSpec grid = MakeGrid(PrivacyConfig{}, 1024, 20).value();
  std::vector<std::size_t> order(20);
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  const auto fold = [&] {
    GridBlock block = MakeBlock("x", Flat(kSize), grid, Scaling::kByWeight);
    for (const std::size_t client : order) {
      EXPECT_TRUE(FoldDense(block, Draw(kSize, client), client * 50 + 1, nullptr).has_value());
    }
    return block.values;
  };
  const auto expected = fold();

  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Rng rng(StreamName{.seed = seed});
    rng.Shuffle(std::span(order));
    EXPECT_EQ(fold(), expected);
  }
}

TEST(FoldDense, ThreadsDoNotChangeABit) {
  constexpr std::size_t kSize = 300'001;
  const auto values = Draw(kSize, 1);
  for (const GridSpec& grid : {MakeGrid(PrivacyConfig{}, 1024, 20).value(), Ring(32, 8.0, 20)}) {
    std::vector<std::int64_t> expected;
    for (const int threads : {1, 2, 4, 7}) {
      Rng rng(StreamName{.seed = 3, .purpose = Purpose::kRounding});
      GridBlock block = MakeBlock("x", Flat(kSize), grid, Scaling::kByWeight);
      ASSERT_TRUE(FoldDense(block, values, 7, &rng, threads).has_value());
      expected = expected.empty() ? block.values : expected;
      EXPECT_EQ(block.values, expected) << threads << " threads";
    }
  }
}

TEST(FoldDense, NotANumberLeavesTheBlockUnchanged) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    GridBlock block = MakeBlock("x", Flat(100'000), GridSpec{}, Scaling::kByWeight);
    auto values = Draw(100'000, 1);
    ASSERT_TRUE(FoldDense(block, values, 1, nullptr).has_value());
    const auto before = block.values;
    values[99'999] = bad;

    const auto result = FoldDense(block, values, 1, nullptr, 2);

    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, ErrorCode::kDiverged);
    EXPECT_EQ(block.values, before);
  }
}

TEST(FoldDense, SaturationIsCountedAndClamped) {
  const std::vector<float> values = {9.0F, -9.0F, 8.0F, -8.0F, 0.5F};
  Rng rng(StreamName{.seed = 1, .purpose = Purpose::kRounding});
  for (const GridSpec& grid : {GridSpec{.limit = 8.0}, Ring(32, 8.0, 4)}) {
    GridBlock block = MakeBlock("x", Flat(5), grid, Scaling::kByWeight);

    const auto saturated = FoldDense(block, values, 1, &rng);

    EXPECT_EQ(saturated.value(), 2U);
    EXPECT_EQ(GridToReal(block), (std::vector<double>{8.0, -8.0, 8.0, -8.0, 0.5}));
  }
}

// Two-sided test of the mean of 100,000 roundings of each value, alpha = 1e-6 (4.9 sigma) each.
TEST(FoldDense, StochasticRoundingIsUnbiased) {
  constexpr std::size_t kDraws = 100'000;
  const GridSpec grid = Ring(16, 8.0, 4);
  for (const double fraction : {0.0, 0.1, 0.25, 0.5, 0.9}) {
    for (const double whole : {-3.0, 0.0, 5.0}) {
      const auto value = static_cast<float>((whole + fraction) * grid.step);
      const double exact = static_cast<double>(value) / grid.step;
      const double up = exact - std::floor(exact);
      GridBlock block = MakeBlock("x", Flat(kDraws), grid, Scaling::kByWeight);
      Rng rng(StreamName{.seed = 11, .purpose = Purpose::kRounding});
      ASSERT_TRUE(FoldDense(block, std::vector<float>(kDraws, value), 1, &rng).has_value());

      double sum = 0.0;
      for (const double real : GridToReal(block)) {
        EXPECT_LT(std::abs(real / grid.step - exact), 1.0);
        sum += real / grid.step;
      }

      const double sigma = std::sqrt(up * (1.0 - up) / kDraws);
      EXPECT_NEAR(sum / kDraws, exact, 4.9 * sigma + 1e-12) << whole + fraction;
    }
  }
}

TEST(MakeGrid, RingSumOfExtremesKeepsItsSign) {
  for (const std::uint64_t clients : {1ULL, 3ULL, 100ULL, 1000ULL}) {
    for (const double range : {8.0, 3.7, 0.01, 1000.0}) {
      const GridSpec grid = Ring(24, range, clients);
      Rng rng(StreamName{.seed = clients, .purpose = Purpose::kRounding});
      const std::vector<float> values = {1e9F, -1e9F};
      GridBlock block = MakeBlock("x", Flat(2), grid, Scaling::kByWeight);
      for (std::uint64_t client = 0; client < clients; ++client) {
        ASSERT_TRUE(FoldDense(block, values, 1, &rng).has_value());
      }

      const auto sums = GridToReal(block);

      const double expected =
          static_cast<double>(clients) * std::floor(range / grid.step) * grid.step;
      EXPECT_DOUBLE_EQ(sums[0], expected) << clients << " clients, range " << range;
      EXPECT_DOUBLE_EQ(sums[1], -expected) << clients << " clients, range " << range;
      EXPECT_GE(range / grid.step, 8.0);
    }
  }
}

TEST(MakeGrid, ExactSumOfExtremesKeepsItsSign) {
  constexpr std::uint64_t kClients = 1000;
  const GridSpec grid = MakeGrid(PrivacyConfig{}, 1024, kClients).value();
  GridBlock block = MakeBlock("x", Flat(2), grid, Scaling::kByWeight);
  const std::vector<float> values = {3e38F, -3e38F};
  for (std::uint64_t client = 0; client < kClients; ++client) {
    ASSERT_EQ(FoldDense(block, values, 1024, nullptr).value(), 2U);
  }

  const auto sums = GridToReal(block);

  EXPECT_EQ(sums[0], kClients * grid.limit);
  EXPECT_EQ(sums[1], kClients * -grid.limit);
}

TEST(MakeGrid, RefusesWhatLeavesNoStep) {
  EXPECT_FALSE(MakeGrid(PrivacyConfig{}, 0, 5).has_value());
  EXPECT_FALSE(MakeGrid(PrivacyConfig{}, 5, 0).has_value());
  EXPECT_FALSE(MakeGrid(PrivacyConfig{}, 1024, 1ULL << 40).has_value());
  EXPECT_FALSE(MakeGrid(PrivacyConfig{.grid = "float"}, 1, 1).has_value());
  EXPECT_FALSE(MakeGrid(PrivacyConfig{.grid = "ring", .ring_bits = 64}, 1, 1).has_value());
  EXPECT_FALSE(MakeGrid(PrivacyConfig{.grid = "ring", .ring_bits = 16}, 1, 10'000).has_value());
  EXPECT_FALSE(MakeGrid(PrivacyConfig{.grid = "ring", .ring_range = 0.0}, 1, 1).has_value());
  EXPECT_FALSE(
      MakeGrid(PrivacyConfig{.grid = "ring", .ring_range = std::nan("")}, 1, 1).has_value());
}

TEST(ClipToNorm, BoundsTheNormAndKeepsTheDirection) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto before = Draw(1003, seed);
    auto values = before;

    const double norm = ClipToNorm(values, 0.7);

    double squares = 0.0;
    double squares_before = 0.0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      squares += static_cast<double>(values[i]) * values[i];
      squares_before += static_cast<double>(before[i]) * before[i];
      EXPECT_NEAR(values[i], before[i] * 0.7 / norm, 1e-6);
    }
    EXPECT_NEAR(norm, std::sqrt(squares_before), 1e-12);
    EXPECT_LE(std::sqrt(squares), 0.7);
    EXPECT_NEAR(std::sqrt(squares), 0.7, 1e-5);
  }
}

TEST(ClipToNorm, LeavesSmallVectorsAlone) {
  std::vector<float> values = {3.0F, 4.0F};

  EXPECT_EQ(ClipToNorm(values, 5.0), 5.0);
  EXPECT_EQ(ClipToNorm(values, 0.0), 5.0);

  EXPECT_EQ(values, (std::vector<float>{3.0F, 4.0F}));
}

TEST(ClientWeight, FollowsPositions) {
  const StrategyConfig config{.max_weight = 100, .weight_reference = 200};

  EXPECT_EQ(ClientWeight(config, 0), 1U);
  EXPECT_EQ(ClientWeight(config, 1), 1U);
  EXPECT_EQ(ClientWeight(config, 5), 3U);  // 2.5 rounds up
  EXPECT_EQ(ClientWeight(config, 199), 100U);
  EXPECT_EQ(ClientWeight(config, 1'000'000), 100U);
  EXPECT_EQ(ClientWeight(config, std::numeric_limits<std::uint64_t>::max()), 100U);
  EXPECT_EQ(ClientWeight({.weighting = "uniform"}, 500), 1U);
}

}  // namespace
}  // namespace rondo
