#include "common/privacy/accountant.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/rng.h"
#include "common/privacy/composed_loss.h"
#include "common/privacy/gaussian_curve.h"
#include "common/privacy/rdp.h"

namespace rondo {
namespace {

using ::testing::HasSubstr;

constexpr Accountant kBoth[] = {Accountant::kRdp, Accountant::kPld};

double Epsilon(const NoisyRounds& rounds, Accountant accountant, double delta = 1e-5) {
  const auto bound = EpsilonOf(rounds, accountant, delta);
  EXPECT_TRUE(bound) << bound.error().message;
  return bound ? bound.value().value : NAN;
}

/// Between `low` and `high`, evenly on a logarithmic axis.
double Draw(Rng& rng, double low, double high) {
  return low * std::pow(high / low, static_cast<double>(rng.NextU64() >> 11) * 0x1p-53);
}

void ExpectMonotone(const NoisyRounds& rounds, Accountant accountant) {
  const double here = Epsilon(rounds, accountant);
  // A grid moves with the parameters, by less than this.
  const double slack = accountant == Accountant::kRdp ? 1e-9 * here : 1e-4 + 1e-4 * here;
  NoisyRounds more = rounds;
  more.rounds *= 2;
  EXPECT_GE(Epsilon(more, accountant), here - slack);
  more = rounds;
  more.rate = std::min(1.0, more.rate * 1.5);
  EXPECT_GE(Epsilon(more, accountant), here - slack);
  more = rounds;
  more.noise *= 1.3;
  EXPECT_LE(Epsilon(more, accountant), here + slack);
  EXPECT_LE(Epsilon(rounds, accountant, 1e-4), here + slack);
}

/// Epsilon is the least of what the orders prove, and so grows where each of them does.
TEST(AccountantTest, WhatEachOrderProvesGrowsWithRateRoundsAndLessNoise) {
  Rng rng({.seed = 4, .purpose = Purpose::kBootstrap});
  const std::vector<double> orders = RdpOrders();
  for (int i = 0; i < 10'000; ++i) {
    const std::vector<double> order = {orders[rng.NextU64() % orders.size()]};
    const double rate = Draw(rng, 1e-4, 1.0);
    const double noise = Draw(rng, 0.3, 20.0);
    const double rounds = Draw(rng, 1.0, 5000.0);
    const auto epsilon = [&](double q, double sigma, double count) {
      const std::vector<double> spent = {count * SampledGaussianRdp(q, sigma, order.front())};
      return RdpEpsilon(order, spent, 1e-5).value;
    };
    const double here = epsilon(rate, noise, rounds);
    const double slack = 1e-9 * here;
    EXPECT_GE(epsilon(rate, noise, 1.5 * rounds), here - slack) << order.front();
    EXPECT_GE(epsilon(std::min(1.0, 1.5 * rate), noise, rounds), here - slack) << order.front();
    EXPECT_LE(epsilon(rate, 1.3 * noise, rounds), here + slack) << order.front();
  }
}

/// All orders together take 10 ms a case, the law of the loss half a second, so that fewer cases
/// go through them.
TEST(AccountantTest, GrowsWithRateRoundsAndLessNoise) {
  Rng rng({.seed = 1, .purpose = Purpose::kBootstrap});
  for (int i = 0; i < 300; ++i) {
    const NoisyRounds rounds{.rate = Draw(rng, 1e-4, 1.0),
                             .noise = Draw(rng, 0.3, 20.0),
                             .rounds = static_cast<std::int64_t>(Draw(rng, 1.0, 5000.0))};
    ExpectMonotone(rounds, Accountant::kRdp);
    if (i % 60 == 0) {
      ExpectMonotone(rounds, Accountant::kPld);
    }
  }
}

TEST(AccountantTest, TightIsNeverLooserThanQuick) {
  Rng rng({.seed = 2, .purpose = Purpose::kBootstrap});
  for (int i = 0; i < 16; ++i) {
    const NoisyRounds rounds{.rate = Draw(rng, 1e-4, 1.0),
                             .noise = Draw(rng, 0.05, 50.0),
                             .rounds = static_cast<std::int64_t>(Draw(rng, 1.0, 100000.0))};
    EXPECT_LE(Epsilon(rounds, Accountant::kPld), Epsilon(rounds, Accountant::kRdp));
    EXPECT_LE(DeltaOf(rounds, Accountant::kPld, 2.0).value().value,
              DeltaOf(rounds, Accountant::kRdp, 2.0).value().value);
  }
}

TEST(AccountantTest, TightInClosedFormIsNeverLooserThanQuick) {
  Rng rng({.seed = 3, .purpose = Purpose::kBootstrap});
  for (int i = 0; i < 2000; ++i) {
    const bool sampled = i % 2 == 0;
    const NoisyRounds rounds{
        .rate = sampled ? Draw(rng, 1e-4, 1.0) : 1.0,
        .noise = Draw(rng, 0.3, 50.0),
        .rounds = sampled ? 1 : static_cast<std::int64_t>(Draw(rng, 1.0, 100000.0))};
    const double delta = Draw(rng, 1e-9, 1e-2);
    EXPECT_LE(Epsilon(rounds, Accountant::kPld, delta), Epsilon(rounds, Accountant::kRdp, delta))
        << rounds.rate << ' ' << rounds.noise << ' ' << rounds.rounds << ' ' << delta;
  }
}

/// delta = Phi(a - epsilon / 2a) - e^epsilon Phi(-a - epsilon / 2a) for a = 1 / (2 noise): Balle
/// and Wang, theorem 8, with their own variables.
TEST(AccountantTest, WithoutSamplingIsTheAnalyticGaussian) {
  const auto phi = [](double x) {
    return 0.5 * std::erfc(-x / std::sqrt(2.0));
  };
  for (const double noise : {0.5, 1.0, 4.0}) {
    for (const double epsilon : {0.0, 0.5, 1.0, 3.0}) {
      const double a = 1.0 / (2.0 * noise);
      const double delta = phi(a - epsilon * noise) - std::exp(epsilon) * phi(-a - epsilon * noise);
      const NoisyRounds one{.noise = noise};
      EXPECT_NEAR(DeltaOf(one, Accountant::kPld, epsilon).value().value, delta, 1e-14);
      EXPECT_NEAR(Epsilon(one, Accountant::kPld, delta), epsilon, 1e-8);
      const NoisyRounds many{.noise = 5.0 * noise, .rounds = 25};
      EXPECT_NEAR(DeltaOf(many, Accountant::kPld, epsilon).value().value, delta, 1e-14);
    }
  }
}

/// The grid against the closed form: with a rate this near to 1 they compute the same thing.
TEST(AccountantTest, ApproachesTheLimitOfNoSamplingFromTheGrid) {
  const double limit = Epsilon({.noise = 8.0, .rounds = 50}, Accountant::kPld);
  const double near = Epsilon({.rate = 1.0 - 1e-9, .noise = 8.0, .rounds = 50}, Accountant::kPld);
  EXPECT_GE(near, limit - 1e-7);
  EXPECT_LE(near, limit + 1e-5);
}

/// One round through the grid, which the accountant itself has in closed form.
TEST(AccountantTest, GridOfOneRoundIsTheClosedForm) {
  for (const double rate : {1e-3, 0.2, 0.9}) {
    const ComposedLoss grid = ComposeLoss(rate, 0.8, 1, {.reach = 20.0, .tilt = 4.0});
    for (const double epsilon : {0.0, 0.01, 0.5, 2.0}) {
      const double delta = GaussianDelta(rate, 0.8, epsilon);
      EXPECT_GE(grid.Delta(epsilon), delta);
      EXPECT_LE(grid.Delta(epsilon), delta + 1e-7);
    }
  }
}

TEST(AccountantTest, DivergencesAddUpOverRounds) {
  for (const double order : {1.5, 2.0, 10.9, 63.0}) {
    const double one = SampledGaussianRdp(0.01, 1.0, order);
    const std::vector<double> orders = {order};
    const std::vector<double> hundred = {100.0 * one};
    const double expected = RdpEpsilon(orders, hundred, 1e-5).value;
    EXPECT_GE(expected, Epsilon({.rate = 0.01, .noise = 1.0, .rounds = 100}, Accountant::kRdp));
  }
}

TEST(AccountantTest, EpsilonAndDeltaAreInverse) {
  for (const Accountant accountant : kBoth) {
    for (const std::int64_t count : {1, 200}) {
      const NoisyRounds rounds{.rate = 0.05, .noise = 0.9, .rounds = count};
      const double epsilon = Epsilon(rounds, accountant, 1e-6);
      EXPECT_NEAR(DeltaOf(rounds, accountant, epsilon).value().value / 1e-6, 1.0, 1e-6);
    }
  }
}

TEST(AccountantTest, NoiseReachesItsTargetFromBelow) {
  for (const Accountant accountant : kBoth) {
    for (const double target : {0.2, 1.0, 20.0}) {
      NoisyRounds rounds{.rate = 0.1, .rounds = 40};
      const auto noise = NoiseFor(rounds, accountant, 1e-6, target);
      ASSERT_TRUE(noise) << noise.error().message;
      rounds.noise = noise.value();
      const double epsilon = Epsilon(rounds, accountant, 1e-6);
      EXPECT_LE(epsilon, target);
      EXPECT_NEAR(epsilon, target, 1e-5 * target);
    }
  }
}

/// Smaller than any order up to 63 can prove.
TEST(AccountantTest, TightFindsNoiseForEpsilonsOutOfReachOfTheQuick) {
  EXPECT_FALSE(NoiseFor({.rate = 0.1, .rounds = 10}, Accountant::kRdp, 1e-6, 0.01));
  NoisyRounds rounds{.rate = 0.1, .rounds = 10};
  const auto noise = NoiseFor(rounds, Accountant::kPld, 1e-6, 0.01);
  ASSERT_TRUE(noise) << noise.error().message;
  rounds.noise = noise.value();
  EXPECT_LE(Epsilon(rounds, Accountant::kPld, 1e-6), 0.01);
}

TEST(AccountantTest, StaysFiniteAtExtremes) {
  for (const Accountant accountant : kBoth) {
    for (const double noise : {1e-6, 1e-3, 0.04, 1.0, 1e6, 1e9}) {
      for (const double rate : {1e-6, 0.5, 1.0}) {
        const double epsilon =
            Epsilon({.rate = rate, .noise = noise, .rounds = 100000}, accountant);
        EXPECT_TRUE(std::isfinite(epsilon) && epsilon >= 0.0) << rate << ' ' << noise;
      }
    }
  }
}

/// Below noise 0.05 fractional orders are bounded from neighbours.
TEST(AccountantTest, BoundsOfSmallNoiseLieAboveTheIntegral) {
  EXPECT_GE(SampledGaussianRdp(0.1, 0.0499999, 1.5), SampledGaussianRdp(0.1, 0.05, 1.5));
  EXPECT_LE(SampledGaussianRdp(0.1, 0.0499999, 2.5) / SampledGaussianRdp(0.1, 0.05, 3.0), 1.0);
}

TEST(AccountantTest, RefusesWhatHasNoMeaning) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto message = [](const auto& result) {
    return result ? "" : result.error().message;
  };
  const NoisyRounds good{.rate = 0.1, .noise = 1.0, .rounds = 10};
  for (const double rate : {0.0, -0.1, 1.1, nan}) {
    NoisyRounds bad = good;
    bad.rate = rate;
    EXPECT_THAT(message(EpsilonOf(bad, Accountant::kRdp, 1e-5)), HasSubstr("sampling rate q"));
  }
  for (const double noise : {0.0, -1.0, 1e10, nan}) {
    NoisyRounds bad = good;
    bad.noise = noise;
    EXPECT_THAT(message(DeltaOf(bad, Accountant::kPld, 1.0)), HasSubstr("noise multiplier"));
  }
  for (const std::int64_t rounds : {-1L, 0L, 2'000'000'000L}) {
    NoisyRounds bad = good;
    bad.rounds = rounds;
    EXPECT_THAT(message(NoiseFor(bad, Accountant::kPld, 1e-5, 1.0)), HasSubstr("rounds"));
  }
  for (const double delta : {0.0, 1.0, nan}) {
    EXPECT_THAT(message(EpsilonOf(good, Accountant::kPld, delta)), HasSubstr("delta"));
  }
  EXPECT_THAT(message(DeltaOf(good, Accountant::kPld, -1.0)), HasSubstr("epsilon"));
  EXPECT_THAT(message(NoiseFor(good, Accountant::kPld, 1e-5, 0.0)), HasSubstr("target epsilon"));
}

}  // namespace
}  // namespace rondo
