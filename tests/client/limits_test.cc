#include "client/limits.h"

#include <gtest/gtest.h>

namespace rondo::client::testing {
namespace {

struct LimitCase {
  const char* name;
  Limits limits;
  const char* reason;  ///< part of the refusal; null: accepted
};

class LimitsTest : public ::testing::TestWithParam<LimitCase> {};

TEST_P(LimitsTest, JudgesATaskOfTwoEpochsOverTenSequencesInBatchesOfFour) {
  TrainTask task;
  task.client = {.epochs = 2, .batch_size = 4, .learning_rate = 0.5};
  const Workload workload{.users = 12, .sequences = 10};
  const ClientRecord record{.rounds_trained = 3};

  const auto reason = RefusalReason(task, workload, record, GetParam().limits);

  if (GetParam().reason == nullptr) {
    EXPECT_FALSE(reason.has_value()) << *reason;
  } else {
    ASSERT_TRUE(reason.has_value());
    EXPECT_NE(reason->find(GetParam().reason), std::string::npos) << *reason;
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

}  // namespace
}  // namespace rondo::client::testing
