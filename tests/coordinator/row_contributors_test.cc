#include "coordinator/aggregators/row_contributors.h"

#include <gtest/gtest.h>

#include "coordinator/aggregators/mean.h"
#include "coordinator/aggregators/row_clip.h"

namespace rondo::coordinator {
namespace {

/// A bias of 1, a table of three rows of 2, and a matrix that is no table.
std::shared_ptr<const ParameterLayout> Layout() {
  return ParameterLayout::Create({{.name = "bias", .shape = {1}},
                                  {.name = "item", .shape = {3, 2}, .row_addressable = true},
                                  {.name = "project", .shape = {2, 2}}})
      .value();
}

UpdateSum Update(const std::vector<float>& values, std::uint64_t weight, const GridSpec& grid) {
  UpdateSum update{.weight = weight, .contributors = 1};
  update.blocks.push_back(MakeBlock(std::string(kDeltaBlock), Layout(), grid, Scaling::kByWeight));
  Rng rng({.seed = 1, .purpose = Purpose::kRounding});
  EXPECT_TRUE(FoldDense(update.blocks.front(), values, weight, &rng).has_value());
  return update;
}

class RowContributorsTest : public ::testing::TestWithParam<std::string> {
 protected:
  RowContributorsTest() {
    grid_ = MakeGrid({.grid = GetParam(), .ring_bits = 40}, 1024, 4).value();
  }

  void ExpectMean(Aggregator& aggregator,
                  const std::vector<std::vector<float>>& updates,
                  const std::vector<float>& expected) {
    for (std::size_t i = 0; i < updates.size(); ++i) {
      ASSERT_TRUE(aggregator.Accumulate(Update(updates[i], 1, grid_)).has_value());
    }
    const std::vector<float> mean = std::move(aggregator).Report().value().values;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(mean[i], expected[i], 1e-5) << i;
    }
  }

  GridSpec grid_;
};

TEST_P(RowContributorsTest, ARowThatTooFewMoveStaysAndNothingElseDoes) {
  const auto aggregator = NewRowContributors(2, NewMeanAggregator());
  // Two clients move the table's first row, one the second, none the third.
  ExpectMean(*aggregator,
             {{0.5F, 0.25F, -0.5F, 0, 0, 0, 0, 0.5F, 0, 0, 0},
              {0, -0.75F, 0, 0, 0, 0, 0, 0, 0, 0, 0},
              {0, 0, 0, 0.5F, 0.5F, 0, 0, 0, 0, 0, 0}},
             {0.5F / 3, -0.5F / 3, -0.5F / 3, 0, 0, 0, 0, 0.5F / 3, 0, 0, 0});
}

TEST_P(RowContributorsTest, RowsThatASoftmaxPushesDownALittleAreNoContribution) {
  const auto aggregator = NewRowContributors(2, NewMeanAggregator());
  // Each pulls one item up and pushes the others down: of two clients one pulls the third.
  ExpectMean(*aggregator,
             {{0, 0.5F, 0.5F, -0.125F, 0, -0.125F, 0, 0, 0, 0, 0},
              {0, 0.5F, 0, -0.125F, 0, -0.125F, 0, 0, 0, 0, 0},
              {0, -0.125F, 0, -0.125F, 0, 0.75F, 0, 0, 0, 0, 0}},
             {0, 0.875F / 3, 0.5F / 3, 0, 0, 0, 0, 0, 0, 0, 0});
}

TEST_P(RowContributorsTest, CountsWhatCameNotWhatClippingLeft) {
  // Clipped to .5, the two rows of the first update would be equally long.
  const auto aggregator = NewRowContributors(1, NewRowClip(0.5, NewMeanAggregator()));
  ExpectMean(
      *aggregator, {{0, 1, 0, 0, 0.5F, 0, 0, 0, 0, 0, 0}}, {0, 0.5F, 0, 0, 0, 0, 0, 0, 0, 0, 0});
}

TEST_P(RowContributorsTest, RefusesSums) {
  const std::vector<float> zero(11, 0.0F);
  UpdateSum sum = Update(zero, 1, grid_);
  ASSERT_TRUE(sum.Add(Update(zero, 1, grid_)).has_value());

  const Status refused = NewRowContributors(2, NewMeanAggregator())->Accumulate(std::move(sum));

  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
}

TEST(RowContributors, WithoutAnyUpdateTheRoundHasNone) {
  auto aggregator = NewRowContributors(2, NewMeanAggregator());
  EXPECT_EQ(std::move(*aggregator).Report().error().code, ErrorCode::kTooFewClients);
}

INSTANTIATE_TEST_SUITE_P(Grids,
                         RowContributorsTest,
                         ::testing::Values("exact", "ring"),
                         [](const auto& chosen) { return chosen.param; });

}  // namespace
}  // namespace rondo::coordinator
