#include "common/secagg/masked_sum.h"

#include <gtest/gtest.h>

namespace rondo::secagg {
namespace {

std::shared_ptr<const ParameterLayout> Numbers(std::int64_t size) {
  return ParameterLayout::Create({{.name = "numbers", .shape = {size}}}).value();
}

GridBlock Block(const char* name, const GridSpec& grid, std::vector<std::int64_t> values) {
  auto layout = Numbers(std::ssize(values));
  return {.name = name,
          .layout = std::move(layout),
          .grid = grid,
          .scaling = Scaling::kByWeight,
          .values = std::move(values)};
}

/// -2, 1 and 0 of a ring of 20 bits, whose numbers travel in 24; -1 and 2^40 of the exact grid.
UpdateSum Update(std::uint64_t weight) {
  const GridSpec ring{.kind = GridSpec::Kind::kRing, .bits = 20, .step = 0.5, .limit = 1000.0};
  GridSpec exact;
  exact.limit = 0x1p10;
  return {.blocks = {Block("delta", ring, {(1 << 20) - 2, 1, 0}),
                     Block("counts", exact, {-1, std::int64_t{1} << 40})},
          .weight = weight,
          .contributors = 1,
          .saturated = 2};
}

TEST(MaskedSum, IsWhatAddingInTheClearGives) {
  const SumShape shape{.blocks = Update(0).blocks};
  const VectorSpec spec = SpecOfSum(shape, 10).value();
  Bytes sum(spec.bytes(), 0);
  UpdateSum clear;
  for (std::uint64_t client = 1; client <= 3; ++client) {
    const UpdateSum update = Update(client);
    const auto packed = PackForSum(spec, update, 0.5 * static_cast<double>(client));
    ASSERT_TRUE(packed) << packed.error().message;
    EXPECT_TRUE(CheckWithinBounds(spec, *packed));
    AddPacked(spec, sum, *packed);
    ASSERT_TRUE(clear.Add(update));
  }

  const auto opened = UnpackSum(shape, spec, sum, 3);

  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->sum.weight, 6U);
  EXPECT_EQ(opened->sum.contributors, 3U);
  EXPECT_EQ(opened->sum.saturated, 6U);
  EXPECT_EQ(opened->loss, 3.0);
  ASSERT_EQ(opened->sum.blocks.size(), 2U);
  EXPECT_EQ(GridToReal(opened->sum.blocks[0]), (std::vector<double>{-3.0, 1.5, 0.0}));
  EXPECT_EQ(opened->sum.blocks[1].values, (std::vector<std::int64_t>{-3, std::int64_t{3} << 40}));
  // Numbers on the ring are below 2^bits in the clear only after they were reduced.
  EXPECT_EQ(GridToReal(opened->sum.blocks[1]), GridToReal(clear.blocks[1]));
}

TEST(MaskedSum, RefusesToSumMoreThanTheGridHolds) {
  // 2000 steps each, of 2^19 that keep their sign.
  const SumShape shape{.blocks = Update(0).blocks};
  EXPECT_TRUE(SpecOfSum(shape, 262));
  const auto over = SpecOfSum(shape, 263);
  ASSERT_FALSE(over);
  EXPECT_NE(over.error().message.find("overflow 20 bits"), std::string::npos)
      << over.error().message;
}

TEST(MaskedSum, LeavesRoomForTheLargestShareOfNoise) {
  const SumShape calm{.blocks = Update(0).blocks};
  const SumShape noisy{.blocks = Update(0).blocks, .noise_stddev = 50.0};  // 100 steps.
  EXPECT_EQ(SpecOfSum(calm, 3)->segments[0].most, 2000U);
  EXPECT_EQ(SpecOfSum(noisy, 3)->segments[0].most, 2000U + 12U * 100U);
  EXPECT_EQ(SpecOfSum(noisy, 3)->segments[1].most, SpecOfSum(calm, 3)->segments[1].most);
}

TEST(MaskedSum, RefusesAnUpdateOfOtherBlocks) {
  const VectorSpec spec = SpecOfSum({.blocks = Update(0).blocks}, 3).value();
  UpdateSum other = Update(1);
  other.blocks.pop_back();
  EXPECT_FALSE(PackForSum(spec, other, 0.0));
  other = Update(1);
  other.blocks[0].name = "steps";
  EXPECT_FALSE(PackForSum(spec, other, 0.0));
  other = Update(1);
  other.blocks[0].values.pop_back();
  EXPECT_FALSE(PackForSum(spec, other, 0.0));
}

}  // namespace
}  // namespace rondo::secagg
