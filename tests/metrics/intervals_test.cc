#include "common/metrics/intervals.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "common/core/rng.h"

namespace rondo {
namespace {

TEST(IntervalsTest, AgreesWithTheNormalApproximationForManyUsers) {
  // Bernoulli(0.2), 2000 users: standard error sqrt(p (1 - p) / n).
  std::vector<double> values(2000, 0.0);
  std::fill(values.begin(), values.begin() + 400, 1.0);
  const Interval interval = BootstrapMean(values, {.resamples = 4000}).value();
  const double error = std::sqrt(0.2 * 0.8 / 2000.0);
  EXPECT_NEAR(interval.mean, 0.2, 1e-12);
  EXPECT_NEAR(interval.low, 0.2 - 1.96 * error, 0.1 * error);
  EXPECT_NEAR(interval.high, 0.2 + 1.96 * error, 0.1 * error);
}

TEST(IntervalsTest, CoversTheTruthAboutNinetyFiveTimesInAHundred) {
  Rng rng({.seed = 11, .purpose = Purpose::kGenerator});
  int covered = 0;
  constexpr int kTrials = 300;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> values(100);
    for (double& value : values) {
      value = rng.Normal();
    }
    const Interval interval =
        BootstrapMean(values, {.seed = static_cast<std::uint64_t>(trial), .resamples = 400})
            .value();
    covered += interval.low <= 0.0 && 0.0 <= interval.high ? 1 : 0;
  }
  EXPECT_GE(covered, kTrials * 90 / 100);
  EXPECT_LE(covered, kTrials * 99 / 100);
}

TEST(IntervalsTest, PairingRemovesWhatUsersShare) {
  Rng rng({.seed = 12, .purpose = Purpose::kGenerator});
  std::vector<double> a;
  std::vector<double> b;
  for (int user = 0; user < 500; ++user) {
    const double easy = rng.Uniform();
    a.push_back(easy + 0.01 + 0.001 * rng.Normal());
    b.push_back(easy);
  }
  const Interval difference = BootstrapDifference(a, b, {}).value();
  EXPECT_GT(difference.low, 0.009);
  EXPECT_LT(difference.high, 0.011);
}

TEST(IntervalsTest, ClustersWidenTheInterval) {
  // Users of one institution are equal: only the institutions are independent.
  std::vector<double> values;
  std::vector<std::uint32_t> clusters;
  for (std::uint32_t cluster = 0; cluster < 20; ++cluster) {
    for (int user = 0; user < 50; ++user) {
      values.push_back(cluster % 2 == 0 ? 1.0 : 0.0);
      clusters.push_back(cluster * 7);
    }
  }
  const Interval users = BootstrapMean(values, {}).value();
  const Interval institutions = ClusterBootstrapMean(values, clusters, {}).value();
  EXPECT_NEAR(institutions.mean, 0.5, 1e-12);
  EXPECT_NEAR(
      (institutions.high - institutions.low) / (users.high - users.low), std::sqrt(50.0), 1.5);
}

TEST(IntervalsTest, EqualSeedsGiveEqualIntervals) {
  const std::vector<double> values = {0.0, 0.1, 0.5, 0.9, 1.0, 0.3};
  const Interval first = BootstrapMean(values, {.seed = 4}).value();
  const Interval again = BootstrapMean(values, {.seed = 4}).value();
  EXPECT_EQ(first.low, again.low);
  EXPECT_EQ(first.high, again.high);
}

TEST(IntervalsTest, RefusesWhatCannotBeDrawn) {
  const std::vector<double> one = {1.0};
  const std::vector<double> two = {1.0, 2.0};
  EXPECT_EQ(BootstrapMean({}, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(BootstrapMean(one, {.resamples = 0}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(BootstrapDifference(one, two, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ClusterBootstrapMean(one, {}, {}).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace rondo
