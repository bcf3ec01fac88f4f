#include "common/federated/noise.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "common/federated/local_round.h"
#include "common/federated/unclipped_block.h"

namespace rondo {
namespace {

std::shared_ptr<const ParameterLayout> LayoutOf(std::int64_t size) {
  return ParameterLayout::Create({{.name = "w", .shape = {size}}}).value();
}

GridSpec Ring(std::uint64_t clients = 8) {
  return MakeGrid({.grid = "ring", .ring_bits = 32, .ring_range = 1.0}, 1, clients).value();
}

NoiseSource Seeded(std::uint64_t seed) {
  return {.stream = StreamName{.seed = seed, .round = 3, .purpose = Purpose::kNoise}};
}

double Variance(const GridBlock& block) {
  double squares = 0.0;
  for (const double value : GridToReal(block)) {
    squares += value * value;
  }
  return squares / static_cast<double>(block.values.size());
}

TEST(NoiseTest, HasTheDeviationAskedForOnBothGrids) {
  for (const GridSpec& grid : {Ring(), MakeGrid({}, 1, 8).value()}) {
    GridBlock block = MakeBlock("delta", LayoutOf(200'000), grid, Scaling::kByWeight);
    AddNoise(block, NoiseSteps(0.05, grid).value(), Seeded(1));
    EXPECT_NEAR(std::sqrt(Variance(block)), 0.05, 0.0005);
    for (const std::int64_t value : block.values) {
      ASSERT_EQ(static_cast<std::uint64_t>(value) & grid.mask(), static_cast<std::uint64_t>(value));
    }
  }
}

TEST(NoiseTest, DoesNotDependOnThreadsAndDiffersFromRoundToRound) {
  const GridSpec grid = Ring();
  const auto draw = [&](const NoiseSource& source, int threads) {
    GridBlock block = MakeBlock("delta", LayoutOf(100'000), grid, Scaling::kByWeight);
    AddNoise(block, 1000, source, threads);
    return block.values;
  };
  EXPECT_EQ(draw(Seeded(1), 1), draw(Seeded(1), 3));
  NoiseSource other = Seeded(1);
  other.stream->round = 4;
  EXPECT_NE(draw(Seeded(1), 1), draw(other, 1));
  EXPECT_NE(draw({}, 1), draw({}, 1));  // OpenSSL
}

/// With noise of its own each, ten survivors of at least ten have the noise of the whole.
TEST(NoiseTest, SharesOfClientsAddUpToTheNoiseOfTheSum) {
  TrainTask task{.clip_norm = 1.0, .noise_stddev = 0.2 / std::sqrt(10.0), .grid = Ring(16)};
  UpdateSum total;
  for (std::uint64_t client = 0; client < 10; ++client) {
    UpdateSum one{.weight = 1, .contributors = 1};
    one.blocks.push_back(MakeBlock("delta", LayoutOf(100'000), task.grid, Scaling::kByWeight));
    ASSERT_TRUE(AddClientNoise(task, one.blocks[0], Seeded(client)));
    ASSERT_TRUE(total.Add(one));
  }
  EXPECT_NEAR(Variance(total.blocks[0]) / (0.2 * 0.2), 1.0, 0.01);
}

TEST(NoiseTest, OnlyTheDeltaGetsAClientsNoise) {
  const TrainTask task{.clip_norm = 1.0, .noise_stddev = 0.5, .grid = Ring()};
  GridBlock bits =
      MakeBlock(std::string(kUnclippedBlock), UnclippedLayout(), task.grid, Scaling::kPerClient);
  ASSERT_TRUE(AddClientNoise(task, bits, Seeded(1)));
  EXPECT_EQ(bits.values.front(), 0);
}

TEST(NoiseTest, RefusesGridsThatAreTooCoarseOrTooFine) {
  const GridSpec grid = Ring();
  EXPECT_EQ(NoiseSteps(15.0 * grid.step, grid).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(NoiseSteps(16.0 * grid.step, grid).value(), 16U);
  EXPECT_EQ(NoiseSteps(16.5 * grid.step, grid).value(), 17U);
  EXPECT_EQ(NoiseSteps(0x1p57 * grid.step, grid).error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(NoiseSteps(std::nan(""), grid));
}

/// No rounding moves a clipped delta beyond the bound that noise is measured by.
TEST(NoiseTest, RoundedDeltasStayWithinTheSensitivity) {
  const GridSpec coarse =
      MakeGrid({.grid = "ring", .ring_bits = 12, .ring_range = 1.0}, 1, 8).value();
  for (const GridSpec& grid : {coarse, Ring(), MakeGrid({}, 1, 8).value()}) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      Rng rng({.seed = seed});
      std::vector<float> delta(1000);
      for (float& value : delta) {
        value = static_cast<float>(rng.Normal());
      }
      ClipToNorm(delta, 0.7);
      GridBlock block = MakeBlock("delta", LayoutOf(1000), grid, Scaling::kByWeight);
      ASSERT_TRUE(FoldDense(block, delta, 1, &rng));
      EXPECT_LE(std::sqrt(Variance(block) * 1000.0), GridSensitivity(0.7, 1000, grid));
    }
  }
}

TEST(NoiseTest, ClientsSayWhetherTheirDeltasWereLeftWhole) {
  const TrainTask task{.clip_norm = 1.0, .counts_unclipped = true};
  Broadcast broadcast;
  broadcast.model = {.layout = LayoutOf(2), .values = {0.0F, 0.0F}};
  Rng rng({.seed = 1});
  for (const double norm : {0.5, 1.0, 1.5}) {
    const LocalEnd end = EndRound(task, broadcast, {}, {{0.1F, 0.2F}, 1, norm}, rng).value();
    ASSERT_EQ(end.blocks.size(), 2U);
    EXPECT_EQ(end.blocks[1].shape.name, "unclipped");
    EXPECT_EQ(end.blocks[1].values, std::vector<float>{norm <= 1.0 ? 0.5F : -0.5F});
  }
}

}  // namespace
}  // namespace rondo
