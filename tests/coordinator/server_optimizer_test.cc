#include <cstdlib>
#include <fstream>
#include <limits>

#include <gtest/gtest.h>

#include "coordinator/server_optimizers/adaptive.h"
#include "coordinator/server_optimizers/sgd.h"

namespace rondo::coordinator {
namespace {

struct Case {
  const char* name;
  std::unique_ptr<ServerOptimizer> (*make)(const StrategyConfig&);
  StrategyConfig config;
};

void PrintTo(const Case& value, std::ostream* out) {
  *out << value.name;
}

std::vector<Case> Cases() {
  return {{"sgd", &NewSgdOptimizer, {.server_learning_rate = 0.5}},
          {"momentum", &NewSgdOptimizer, {.server_learning_rate = 0.5, .server_momentum = 0.9}},
          {"adam",
           &NewAdamOptimizer,
           {.server_learning_rate = 1e-3, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8}},
          {"adam_large_epsilon",
           &NewAdamOptimizer,
           {.server_learning_rate = 1e-2, .beta1 = 0.5, .beta2 = 0.999, .epsilon = 1e-3}},
          {"yogi",
           &NewYogiOptimizer,
           {.server_learning_rate = 1e-2, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-3}},
          {"adagrad",
           &NewAdagradOptimizer,
           {.server_learning_rate = 1e-2, .beta1 = 0.0, .epsilon = 1e-3}},
          {"linear",
           &NewSgdOptimizer,
           {.server_learning_rate = 0.5, .schedule = "linear", .warmup = 2, .rounds = 7}},
          {"cosine",
           &NewSgdOptimizer,
           {.server_learning_rate = 0.5, .schedule = "cosine", .warmup = 2, .rounds = 7}}};
}

std::shared_ptr<const ParameterLayout> Flat(std::size_t size) {
  return ParameterLayout::Create({{.name = "x", .shape = {static_cast<std::int64_t>(size)}}})
      .value();
}

std::shared_ptr<const ParameterLayout> Table() {
  return ParameterLayout::Create({{.name = "bias", .shape = {2}},
                                  {.name = "item", .shape = {3, 2}, .zero_first_row = true}})
      .value();
}

std::vector<float> ReadLine(std::istream& file, std::size_t size) {
  std::vector<float> values(size);
  for (float& value : values) {
    std::string word;
    file >> word;
    value = static_cast<float>(std::strtod(word.c_str(), nullptr));
  }
  return values;
}

class ServerOptimizers : public ::testing::TestWithParam<Case> {};

TEST_P(ServerOptimizers, AgreeWithNumpy) {
  std::ifstream file(std::string(RONDO_GOLDEN_DIR "/") + GetParam().name + ".txt");
  std::size_t steps = 0;
  std::size_t size = 0;
  ASSERT_TRUE(file >> steps >> size);
  ParameterVector model{.layout = Flat(size), .values = ReadLine(file, size)};
  const auto optimizer = GetParam().make(GetParam().config);

  for (std::size_t step = 0; step < steps; ++step) {
    const ParameterVector delta{.layout = model.layout, .values = ReadLine(file, size)};
    const auto expected = ReadLine(file, size);
    ASSERT_TRUE(optimizer->Step(model, delta).has_value());
    for (std::size_t i = 0; i < size; ++i) {
      EXPECT_FLOAT_EQ(model.values[i], expected[i]) << "step " << step << ", weight " << i;
    }
  }

  EXPECT_EQ(optimizer->steps(), steps);
}

TEST_P(ServerOptimizers, ContinueFromSavedStateWithTheSameBits) {
  const auto layout = Flat(3);
  ParameterVector straight{.layout = layout, .values = {0.5F, -1.0F, 2.0F}};
  ParameterVector resumed = straight;
  const auto one = GetParam().make(GetParam().config);
  auto two = GetParam().make(GetParam().config);

  for (int step = 0; step < 6; ++step) {
    const float x = 0.1F * static_cast<float>(step - 2);
    const ParameterVector delta{.layout = layout, .values = {x, -x * x, 0.3F}};
    ASSERT_TRUE(one->Step(straight, delta).has_value());
    ASSERT_TRUE(two->Step(resumed, delta).has_value());
    auto reborn = GetParam().make(GetParam().config);
    ASSERT_TRUE(reborn->LoadState(two->SaveState(), two->steps()).has_value());
    two = std::move(reborn);
  }

  EXPECT_EQ(straight.values, resumed.values);
  EXPECT_EQ(two->steps(), 6U);
}

TEST_P(ServerOptimizers, KeepPaddingRowsAtZero) {
  ParameterVector model{.layout = Table(), .values = {1, 1, 0, 0, 1, 1, 1, 1}};
  const ParameterVector delta{.layout = model.layout, .values = {1, 1, 5, 5, 1, 1, 1, 1}};
  const auto optimizer = GetParam().make(GetParam().config);

  ASSERT_TRUE(optimizer->Step(model, delta).has_value());
  ASSERT_TRUE(optimizer->Step(model, delta).has_value());

  EXPECT_EQ(model.values[2], 0.0F);
  EXPECT_EQ(model.values[3], 0.0F);
  EXPECT_GT(model.values[0], 1.0F);
  EXPECT_GT(model.values[4], 1.0F);
}

TEST_P(ServerOptimizers, FailedStepChangesNothing) {
  ParameterVector model{.layout = Flat(2), .values = {1.0F, 2.0F}};
  const ParameterVector good{.layout = model.layout, .values = {0.1F, 0.2F}};
  const ParameterVector bad{.layout = model.layout,
                            .values = {0.1F, std::numeric_limits<float>::quiet_NaN()}};
  const ParameterVector other{.layout = Flat(3), .values = {0.1F, 0.2F, 0.3F}};
  const auto optimizer = GetParam().make(GetParam().config);
  ASSERT_TRUE(optimizer->Step(model, good).has_value());
  const auto values = model.values;
  const auto state = optimizer->SaveState();

  EXPECT_EQ(optimizer->Step(model, bad).error().code, ErrorCode::kDiverged);
  EXPECT_EQ(optimizer->Step(model, other).error().code, ErrorCode::kFailedPrecondition);

  EXPECT_EQ(model.values, values);
  EXPECT_EQ(optimizer->steps(), 1U);
  const auto after = optimizer->SaveState();
  ASSERT_EQ(after.size(), state.size());
  for (std::size_t i = 0; i < state.size(); ++i) {
    EXPECT_EQ(after[i].second.values, state[i].second.values);
  }
}

INSTANTIATE_TEST_SUITE_P(All, ServerOptimizers, ::testing::ValuesIn(Cases()), [](const auto& test) {
  return std::string(test.param.name);
});

TEST(ServerOptimizer, RefusesTheStateOfAnother) {
  const auto adam = NewAdamOptimizer({});
  const auto momentum = NewSgdOptimizer({.server_momentum = 0.9});
  ParameterVector model{.layout = Flat(1), .values = {1.0F}};
  ASSERT_TRUE(adam->Step(model, model).has_value());
  ASSERT_TRUE(momentum->Step(model, model).has_value());

  EXPECT_FALSE(adam->LoadState(momentum->SaveState(), 1).has_value());
  EXPECT_FALSE(momentum->LoadState(adam->SaveState(), 1).has_value());
  EXPECT_FALSE(NewSgdOptimizer({})->LoadState(momentum->SaveState(), 1).has_value());
  EXPECT_FALSE(adam->LoadState({}, 4).has_value());
}

TEST(ServerOptimizer, AdamDoesNotSeeTheScaleOfTheDelta) {
  const StrategyConfig config{.server_learning_rate = 1e-3, .epsilon = 1e-12};
  const auto one = NewAdamOptimizer(config);
  const auto two = NewAdamOptimizer(config);
  ParameterVector left{.layout = Flat(2), .values = {1.0F, 2.0F}};
  ParameterVector right = left;
  for (int step = 1; step < 5; ++step) {
    const float x = 0.01F * static_cast<float>(step);
    ASSERT_TRUE(one->Step(left, {.layout = left.layout, .values = {x, -x}}).has_value());
    ASSERT_TRUE(two->Step(right, {.layout = left.layout, .values = {x * 8, -x * 8}}).has_value());
  }

  EXPECT_FLOAT_EQ(left.values[0], right.values[0]);
  EXPECT_FLOAT_EQ(left.values[1], right.values[1]);
}

}  // namespace
}  // namespace rondo::coordinator
