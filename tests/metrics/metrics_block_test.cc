#include "common/metrics/metrics_block.h"

#include <gtest/gtest.h>

#include "common/core/rng.h"

namespace rondo {
namespace {

EvaluateTask TaskOn(const GridSpec& grid) {
  return {.protocols = {"full"}, .k = {10}, .grid = grid};
}

std::vector<UserMetrics> RandomUsers(std::size_t count) {
  Rng rng({.seed = 2, .purpose = Purpose::kGenerator});
  std::vector<UserMetrics> users;
  for (std::size_t i = 0; i < count; ++i) {
    UserMetrics& user =
        users.emplace_back(UserMetrics{.user = static_cast<std::uint32_t>(i), .targets = 1});
    for (int metric = 0; metric < 7; ++metric) {
      user.values.push_back(rng.Uniform());
    }
    user.nans = i == 3 ? 2 : 0;
  }
  return users;
}

TEST(MetricsBlockTest, SumOverClientsGivesTheMeanOverUsers) {
  const EvaluateTask task = TaskOn({});
  const std::vector<UserMetrics> users = RandomUsers(50);
  UpdateSum sum = SumMetrics(std::span(users).first(20), task).value();
  ASSERT_TRUE(sum.Add(SumMetrics(std::span(users).subspan(20, 1), task).value()));
  ASSERT_TRUE(sum.Add(SumMetrics({}, task).value()));
  ASSERT_TRUE(sum.Add(SumMetrics(std::span(users).subspan(21), task).value()));
  EXPECT_EQ(sum.contributors, 4U);
  EXPECT_EQ(sum.Find(kMetricsBlock)->scaling, Scaling::kPerClient);
  const MetricTable means = MetricMeans(sum).value().value();
  const MetricTable expected = MeanOverUsers(MetricNames(OptionsOfTask(task)).value(), users);
  EXPECT_EQ(means.names, expected.names);
  EXPECT_EQ(means.users, 50U);
  EXPECT_EQ(means.nans, 2U);
  for (std::size_t i = 0; i < expected.means.size(); ++i) {
    EXPECT_NEAR(means.means[i], expected.means[i], 1e-7);
  }
}

TEST(MetricsBlockTest, ExactSumsDoNotDependOnWhoSharesAClient) {
  const EvaluateTask task = TaskOn({});
  const std::vector<UserMetrics> users = RandomUsers(50);
  const UpdateSum together = SumMetrics(users, task).value();
  UpdateSum apart = SumMetrics({}, task).value();
  for (std::size_t i = users.size(); i-- > 0;) {
    ASSERT_TRUE(apart.Add(SumMetrics(std::span(users).subspan(i, 1), task).value()));
  }
  EXPECT_EQ(together.Find(kMetricsBlock)->values, apart.Find(kMetricsBlock)->values);
}

TEST(MetricsBlockTest, RingSumsComeOutUnbiased) {
  const GridSpec ring{.kind = GridSpec::Kind::kRing, .bits = 32, .step = 0x1p-16, .limit = 0x1p8};
  const EvaluateTask task = TaskOn(ring);
  const std::vector<UserMetrics> users = RandomUsers(50);
  Rng rng({.seed = 1, .purpose = Purpose::kRounding});
  UpdateSum sum = SumMetrics(std::span(users).first(25), task, &rng).value();
  ASSERT_TRUE(sum.Add(SumMetrics(std::span(users).subspan(25), task, &rng).value()));
  const MetricTable means = MetricMeans(sum).value().value();
  const MetricTable expected = MeanOverUsers(MetricNames(OptionsOfTask(task)).value(), users);
  EXPECT_EQ(means.users, 50U);
  for (std::size_t i = 0; i < expected.means.size(); ++i) {
    EXPECT_NEAR(means.means[i], expected.means[i], 1e-5);
  }
}

TEST(MetricsBlockTest, FewerThanTwentyUsersGiveNoNumber) {
  const EvaluateTask task = TaskOn({});
  const std::vector<UserMetrics> users = RandomUsers(20);
  EXPECT_TRUE(MetricMeans(SumMetrics(users, task).value()).value().has_value());
  EXPECT_FALSE(
      MetricMeans(SumMetrics(std::span(users).first(19), task).value()).value().has_value());
}

TEST(MetricsBlockTest, RefusesForeignBlocks) {
  EXPECT_EQ(MetricMeans(UpdateSum{}).error().code, ErrorCode::kInvalidArgument);
  const std::vector<UserMetrics> wrong = {{.values = {1.0}}};
  EXPECT_EQ(SumMetrics(wrong, TaskOn({})).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace rondo
