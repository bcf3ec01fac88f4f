#include "coordinator/aggregators/row_clip.h"

#include <gtest/gtest.h>

#include "coordinator/aggregators/mean.h"

namespace rondo::coordinator {
namespace {

/// A bias of 2 and a table of three rows of 2.
std::shared_ptr<const ParameterLayout> Layout() {
  return ParameterLayout::Create({{.name = "bias", .shape = {2}},
                                  {.name = "item", .shape = {3, 2}, .row_addressable = true}})
      .value();
}

UpdateSum Update(const std::vector<float>& values, std::uint64_t weight, const GridSpec& grid) {
  UpdateSum update{.weight = weight, .contributors = 1};
  update.blocks.push_back(MakeBlock(std::string(kDeltaBlock), Layout(), grid, Scaling::kByWeight));
  Rng rng({.seed = 1, .purpose = Purpose::kRounding});
  EXPECT_TRUE(FoldDense(update.blocks.front(), values, weight, &rng).has_value());
  return update;
}

class RowClipTest : public ::testing::TestWithParam<std::string> {
 protected:
  RowClipTest() { grid_ = MakeGrid({.grid = GetParam(), .ring_bits = 40}, 1024, 2).value(); }

  GridSpec grid_;
};

TEST_P(RowClipTest, ScalesLongRowsOfTablesAndNothingElse) {
  const auto clip = NewRowClip(0.5, NewMeanAggregator());
  ASSERT_TRUE(
      clip->Accumulate(Update({0.9F, -0.9F, 0.3F, -0.4F, -0.6F, 0.8F, 0.0F, 0.1F}, 7, grid_))
          .has_value());

  const std::vector<float> mean = std::move(*clip).Report().value().values;

  const std::vector<float> expected = {0.9F, -0.9F, 0.3F, -0.4F, -0.3F, 0.4F, 0.0F, 0.1F};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(mean[i], expected[i], 1e-5) << i;
  }
}

TEST_P(RowClipTest, BoundsWhatAnAttackerAddsToARow) {
  const auto clip = NewRowClip(0.5, NewMeanAggregator());
  for (const float honest : {0.1F, -0.1F, 0.0F}) {
    ASSERT_TRUE(clip->Accumulate(Update({0, 0, 0, 0, honest, 0, 0, 0}, 1, grid_)).has_value());
  }
  ASSERT_TRUE(clip->Accumulate(Update({0, 0, 0, 0, 0.99F, 0, 0, 0}, 1, grid_)).has_value());

  EXPECT_NEAR(std::move(*clip).Report().value().values[4], 0.5 / 4, 1e-5);
}

TEST_P(RowClipTest, RefusesSums) {
  UpdateSum sum = Update({0, 0, 0, 0, 0, 0, 0, 0}, 1, grid_);
  ASSERT_TRUE(sum.Add(Update({0, 0, 0, 0, 0, 0, 0, 0}, 1, grid_)).has_value());

  const Status refused = NewRowClip(0.5, NewMeanAggregator())->Accumulate(std::move(sum));

  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
}

INSTANTIATE_TEST_SUITE_P(Grids,
                         RowClipTest,
                         ::testing::Values("exact", "ring"),
                         [](const auto& chosen) { return chosen.param; });

}  // namespace
}  // namespace rondo::coordinator
