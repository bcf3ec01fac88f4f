#include "coordinator/aggregators/normalised.h"

#include <gtest/gtest.h>

#include "common/federated/steps_block.h"
#include "coordinator/aggregators/mean.h"

namespace rondo::coordinator {
namespace {

class NormalisedTest : public ::testing::TestWithParam<std::string> {
 protected:
  /// A client's update: its delta divided by its steps, and the steps.
  UpdateSum Update(std::vector<float> delta, std::uint64_t steps, std::uint64_t weight) {
    for (float& value : delta) {
      value /= static_cast<float>(steps);
    }
    UpdateSum update = Delta(delta, weight);
    EXPECT_TRUE(AddStepsBlock(update, grid_, steps, weight, &rng_).has_value());
    return update;
  }

  UpdateSum Delta(const std::vector<float>& delta, std::uint64_t weight) {
    UpdateSum update{.weight = weight, .contributors = 1};
    update.blocks.push_back(
        MakeBlock(std::string(kDeltaBlock), layout_, grid_, Scaling::kByWeight));
    EXPECT_TRUE(FoldDense(update.blocks.front(), delta, weight, &rng_).has_value());
    return update;
  }

  std::shared_ptr<const ParameterLayout> layout_ =
      ParameterLayout::Create({{.name = "x", .shape = {2}}}).value();
  GridSpec grid_ = MakeGrid({.grid = GetParam(), .ring_bits = 48}, 1024, 2).value();
  Rng rng_{{.seed = 1, .purpose = Purpose::kRounding}};
};

TEST_P(NormalisedTest, WeighsDirectionsAndNotHowOftenAClientStepped) {
  const auto nova = NewNormalised(NewMeanAggregator());
  ASSERT_TRUE(nova->Accumulate(Update({0.2F, 0.0F}, 2, 1)).has_value());
  ASSERT_TRUE(nova->Accumulate(Update({0.0F, 0.6F}, 6, 3)).has_value());

  const std::vector<float> mean = std::move(*nova).Report().value().values;

  // By hand: directions (0.1, 0) and (0, 0.1), weights 1/4 and 3/4, mean steps (2 + 3 * 6) / 4 = 5.
  EXPECT_NEAR(mean[0], 5 * 0.1 / 4, 1e-4);
  EXPECT_NEAR(mean[1], 5 * 0.1 * 3 / 4, 1e-4);
}

TEST_P(NormalisedTest, IsTheMeanWhereAllTakeTheSameSteps) {
  const auto nova = NewNormalised(NewMeanAggregator());
  const auto plain = NewMeanAggregator();
  for (const auto& [delta, weight] : {std::pair(std::vector<float>{0.3F, -0.2F}, 5U),
                                      std::pair(std::vector<float>{0.1F, 0.7F}, 9U)}) {
    ASSERT_TRUE(nova->Accumulate(Update(delta, 4, weight)).has_value());
    ASSERT_TRUE(plain->Accumulate(Delta(delta, weight)).has_value());
  }

  const std::vector<float> mean = std::move(*nova).Report().value().values;
  const std::vector<float> expected = std::move(*plain).Report().value().values;

  for (std::size_t i = 0; i < mean.size(); ++i) {
    EXPECT_NEAR(mean[i], expected[i], 1e-4) << i;
  }
}

TEST_P(NormalisedTest, RefusesUpdatesThatDoNotSayHowManySteps) {
  const Status refused = NewNormalised(NewMeanAggregator())->Accumulate(Delta({0.0F, 0.0F}, 1));
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("\"steps\""), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Grids,
                         NormalisedTest,
                         ::testing::Values("exact", "ring"),
                         [](const auto& chosen) { return chosen.param; });

}  // namespace
}  // namespace rondo::coordinator
