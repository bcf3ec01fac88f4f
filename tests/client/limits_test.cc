#include "client/limits.h"

#include <gtest/gtest.h>

namespace rondo::client::testing {
namespace {

struct LimitCase {
  const char* name;
  Limits limits;
  const char* reason;  ///< part of what the owner reads; null: accepted
};

bool HasDigit(const std::string& text) {
  return text.find_first_of("0123456789") != std::string::npos;
}

class LimitsTest : public ::testing::TestWithParam<LimitCase> {};

TEST_P(LimitsTest, JudgesATaskOfTwoEpochsOverTenSequencesInBatchesOfFour) {
  TrainTask task;
  task.client = {.epochs = 2, .batch_size = 4, .learning_rate = 0.5};
  const Workload workload{.users = 12, .sequences = 10};
  const ClientRecord record{.rounds_trained = 3};

  const auto refusal = RefusalToTrain(task, workload, record, GetParam().limits);

  if (GetParam().reason == nullptr) {
    EXPECT_FALSE(refusal.has_value()) << refusal->for_owner;
  } else {
    ASSERT_TRUE(refusal.has_value());
    EXPECT_NE(refusal->for_owner.find(GetParam().reason), std::string::npos) << refusal->for_owner;
    EXPECT_FALSE(refusal->for_peer.empty());
    EXPECT_FALSE(HasDigit(refusal->for_peer)) << refusal->for_peer;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All,
    LimitsTest,
    ::testing::Values(LimitCase{"None", {}, nullptr},
                      LimitCase{"Epochs", {.max_epochs = 1}, "max_epochs"},
                      LimitCase{"EnoughEpochs", {.max_epochs = 2}, nullptr},
                      LimitCase{"SixSteps", {.max_steps = 6}, nullptr},
                      LimitCase{"FiveSteps", {.max_steps = 5}, "6 local steps"},
                      LimitCase{"Rounds", {.max_rounds = 3}, "max_rounds"},
                      LimitCase{"RoundsLeft", {.max_rounds = 4}, nullptr},
                      LimitCase{"Users", {.min_users = 13}, "min_users"},
                      LimitCase{"LearningRate", {.max_learning_rate = 0.1}, "max_learning_rate"},
                      LimitCase{"Clipping", {.require_clipping = true}, "require_clipping"}),
    [](const auto& test) { return test.param.name; });

TEST(Limits, StepsAreCountedAsEpochsToo) {
  // 6 steps of 4 are 24 sequences, which is more than two passes over ten and no more than three.
  TrainTask task;
  task.client = {.epochs = 1, .steps = 6, .batch_size = 4};
  const Workload workload{.users = 12, .sequences = 10};

  const auto refusal = RefusalToTrain(task, workload, {}, {.max_epochs = 2});

  ASSERT_TRUE(refusal.has_value());
  EXPECT_NE(refusal->for_owner.find("3 epochs, limits.max_epochs is 2"), std::string::npos)
      << refusal->for_owner;
  EXPECT_FALSE(RefusalToTrain(task, workload, {}, {.max_epochs = 3}).has_value());
}

TEST(Limits, TooFewUsersAreNotEvaluatedEither) {
  const Limits limits{.min_users = 20};

  EXPECT_FALSE(RefusalToEvaluate({}, {.users = 20}, limits).has_value());
  const auto refusal = RefusalToEvaluate({}, {.users = 19}, limits);

  ASSERT_TRUE(refusal.has_value());
  EXPECT_FALSE(HasDigit(refusal->for_peer)) << refusal->for_peer;
}

TEST(Limits, FineTuningBeforeAnEvaluationIsBoundedLikeTraining) {
  EvaluateTask task;
  task.fine_tune = 3;
  task.client = {.epochs = 1, .steps = 1, .batch_size = 4, .learning_rate = 0.5};
  const Workload workload{.users = 12, .sequences = 10};
  const std::vector<std::pair<Limits, const char*>> cases = {
      {{.max_epochs = 2}, "the task takes 3 epochs, limits.max_epochs is 2"},
      {{.max_steps = 8}, "the task takes 9 local steps, limits.max_steps is 8"},
      {{.max_learning_rate = 0.4}, "limits.max_learning_rate is 0.4"}};

  for (const auto& [limits, reason] : cases) {
    const auto refusal = RefusalToEvaluate(task, workload, limits);
    ASSERT_TRUE(refusal.has_value()) << reason;
    EXPECT_NE(refusal->for_owner.find(reason), std::string::npos) << refusal->for_owner;
    EXPECT_FALSE(HasDigit(refusal->for_peer)) << refusal->for_peer;
    // Nothing of the tuned model is sent, and without tuning nothing is trained.
    EXPECT_FALSE(RefusalToEvaluate({.fine_tune = 0}, workload, limits).has_value());
  }
  EXPECT_FALSE(RefusalToEvaluate(task, workload, {.max_rounds = 1, .require_clipping = true}));
  EXPECT_FALSE(RefusalToEvaluate(task, workload, {.max_epochs = 3, .max_steps = 9}));
}

}  // namespace
}  // namespace rondo::client::testing
