#include "common/privacy/accountant.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <functional>
#include <limits>
#include <vector>

#include "common/privacy/composed_loss.h"
#include "common/privacy/gaussian_curve.h"
#include "common/privacy/rdp.h"

namespace rondo {
namespace {

constexpr double kLeastNoise = 1e-6;
constexpr double kMostNoise = 1e9;
constexpr std::int64_t kMostRounds = 1'000'000'000;
/// Probability that the summed loss leaves the window of the grid.
constexpr double kOutside = 1e-16;
/// Relative, of a noise that is searched for.
constexpr double kNoisePrecision = 1e-9;

Status Check(bool holds, const char* name, double value, const char* range) {
  return holds ? Ok()
               : Status(Fail(ErrorCode::kInvalidArgument,
                             fmt::format("{} is {}; it must be {}", name, value, range)));
}

Status CheckRounds(const NoisyRounds& rounds) {
  RONDO_TRY_STATUS(Check(rounds.rate > 0.0 && rounds.rate <= 1.0,
                         "the sampling rate q",
                         rounds.rate,
                         "above 0 and at most 1"));
  RONDO_TRY_STATUS(Check(rounds.noise >= kLeastNoise && rounds.noise <= kMostNoise,
                         "the noise multiplier (sigma / sensitivity)",
                         rounds.noise,
                         "between 1e-6 and 1e9"));
  return Check(rounds.rounds >= 1 && rounds.rounds <= kMostRounds,
               "the number of rounds",
               static_cast<double>(rounds.rounds),
               "between 1 and 1e9");
}

Status CheckDelta(double delta) {
  return Check(delta > 0.0 && delta < 1.0, "delta", delta, "above 0 and below 1");
}

Status CheckEpsilon(double epsilon) {
  return Check(epsilon >= 0.0 && std::isfinite(epsilon), "epsilon", epsilon, "finite, 0 or more");
}

std::vector<double> Divergences(const NoisyRounds& rounds, const std::vector<double>& orders) {
  std::vector<double> divergences;
  divergences.reserve(orders.size());
  for (const double order : orders) {
    divergences.push_back(static_cast<double>(rounds.rounds)
                          * SampledGaussianRdp(rounds.rate, rounds.noise, order));
  }
  return divergences;
}

/// The window that the tightest Chernoff bound gives: a tilt of order - 1 has the divergence as its
/// logarithm. Small losses need large tilts, hence the orders above those of the accountant.
LossWindow WindowOf(const NoisyRounds& rounds) {
  std::vector<double> orders = RdpOrders();
  for (int order = 128; order <= 4096; order *= 2) {
    orders.push_back(order);
  }
  const std::vector<double> divergences = Divergences(rounds, orders);
  LossWindow best{.reach = std::numeric_limits<double>::infinity()};
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const double tilt = orders[i] - 1.0;
    const double reach = divergences[i] - std::log(kOutside) / tilt;
    if (reach < best.reach) {
      best = {.reach = reach, .tilt = tilt};
    }
  }
  return best;
}

/// The rounds as one release whose curve is known in closed form, if they are.
std::optional<double> NoiseOfOne(const NoisyRounds& rounds) {
  if (rounds.rate == 1.0) {
    return rounds.noise / std::sqrt(static_cast<double>(rounds.rounds));
  }
  return rounds.rounds == 1 ? std::optional(rounds.noise) : std::nullopt;
}

PrivacyBound RdpEpsilonOf(const NoisyRounds& rounds, double delta) {
  const std::vector<double> orders = RdpOrders();
  const RdpBound bound = RdpEpsilon(orders, Divergences(rounds, orders), delta);
  return {.value = bound.value, .order = bound.order};
}

PrivacyBound RdpDeltaOf(const NoisyRounds& rounds, double epsilon) {
  const std::vector<double> orders = RdpOrders();
  const RdpBound bound = RdpDelta(orders, Divergences(rounds, orders), epsilon);
  return {.value = bound.value, .order = bound.order};
}

PrivacyBound UncheckedEpsilon(const NoisyRounds& rounds, Accountant accountant, double delta) {
  const PrivacyBound loose = RdpEpsilonOf(rounds, delta);
  if (accountant == Accountant::kRdp) {
    return loose;
  }
  if (const auto noise = NoiseOfOne(rounds)) {
    return {.value = GaussianEpsilon(rounds.rate, *noise, delta, loose.value)};
  }
  const std::optional<double> tight =
      ComposeLoss(rounds.rate, rounds.noise, rounds.rounds, WindowOf(rounds)).Epsilon(delta);
  return tight && *tight <= loose.value ? PrivacyBound{.value = *tight} : loose;
}

/// A falling function of log x, at one place.
struct At {
  double log_x = 0.0;
  double value = 0.0;
};

/// Finds where a falling function crosses 0 between `low` (above 0) and `high` (at most 0): by
/// secants, halving the weight of an end that stays (the Illinois method). Returns an x at which it
/// is not above 0.
double FallingRoot(const std::function<At(double log_x)>& value, At low, At high) {
  int side = 0;
  for (int i = 0; i < 100 && high.log_x - low.log_x > kNoisePrecision && high.value != 0.0; ++i) {
    const double width = high.log_x - low.log_x;
    const double secant = high.log_x - high.value * width / (high.value - low.value);
    // Every eighth step halves, should secants creep; the others stay off the ends.
    const double wanted = i % 8 == 7 || !std::isfinite(secant) ? low.log_x + 0.5 * width : secant;
    const double margin = std::min(0.4 * kNoisePrecision, 0.5 * width);
    const At middle = value(std::clamp(wanted, low.log_x + margin, high.log_x - margin));
    if (middle.value > 0.0) {
      low = middle;
      high.value *= side == 1 ? 0.5 : 1.0;
      side = 1;
    } else {
      high = middle;
      low.value *= side == -1 ? 0.5 : 1.0;
      side = -1;
    }
  }
  return std::exp(high.log_x);
}

}  // namespace

Result<PrivacyBound> EpsilonOf(const NoisyRounds& rounds, Accountant accountant, double delta) {
  RONDO_TRY_STATUS(CheckRounds(rounds));
  RONDO_TRY_STATUS(CheckDelta(delta));
  return UncheckedEpsilon(rounds, accountant, delta);
}

Result<PrivacyBound> EpsilonOf(std::span<const NoisyRounds> all,
                               Accountant accountant,
                               double delta) {
  if (all.size() == 1) {
    return EpsilonOf(all.front(), accountant, delta);
  }
  RONDO_TRY_STATUS(CheckDelta(delta));
  RONDO_TRY_STATUS(Check(!all.empty(), "the number of releases", 0.0, "at least 1"));
  const std::vector<double> orders = RdpOrders();
  std::vector<double> divergences(orders.size(), 0.0);
  double precision = 0.0;  // of Gaussians, which add up
  bool sampled = false;
  for (const NoisyRounds& rounds : all) {
    RONDO_TRY_STATUS(CheckRounds(rounds));
    const std::vector<double> some = Divergences(rounds, orders);
    for (std::size_t i = 0; i < orders.size(); ++i) {
      divergences[i] += some[i];
    }
    precision += static_cast<double>(rounds.rounds) / (rounds.noise * rounds.noise);
    sampled = sampled || rounds.rate < 1.0;
  }
  const RdpBound loose = RdpEpsilon(orders, divergences, delta);
  if (accountant == Accountant::kRdp || sampled) {
    return PrivacyBound{.value = loose.value, .order = loose.order};
  }
  return PrivacyBound{.value =
                          GaussianEpsilon(1.0, 1.0 / std::sqrt(precision), delta, loose.value)};
}

Result<std::int64_t> RoundsWithin(NoisyRounds one,
                                  Accountant accountant,
                                  double delta,
                                  double target,
                                  std::int64_t limit) {
  std::int64_t within = 0;
  std::int64_t beyond = std::min(limit, kMostRounds) + 1;
  std::int64_t tried = 1;
  while (within + 1 < beyond) {
    one.rounds = std::clamp(tried, within + 1, beyond - 1);
    RONDO_TRY(const PrivacyBound spent, EpsilonOf(one, accountant, delta));
    (spent.value <= target ? within : beyond) = one.rounds;
    // Doubles until it is too much, then halves the rest.
    tried = beyond <= limit ? within + (beyond - within) / 2 : 2 * one.rounds;
  }
  return within;
}

Result<PrivacyBound> DeltaOf(const NoisyRounds& rounds, Accountant accountant, double epsilon) {
  RONDO_TRY_STATUS(CheckRounds(rounds));
  RONDO_TRY_STATUS(CheckEpsilon(epsilon));
  const PrivacyBound loose = RdpDeltaOf(rounds, epsilon);
  if (accountant == Accountant::kRdp) {
    return loose;
  }
  if (const auto noise = NoiseOfOne(rounds)) {
    return PrivacyBound{.value = GaussianDelta(rounds.rate, *noise, epsilon)};
  }
  const double tight =
      ComposeLoss(rounds.rate, rounds.noise, rounds.rounds, WindowOf(rounds)).Delta(epsilon);
  return tight <= loose.value ? PrivacyBound{.value = tight} : loose;
}

Result<double> NoiseFor(NoisyRounds rounds, Accountant accountant, double delta, double epsilon) {
  rounds.noise = 1.0;
  RONDO_TRY_STATUS(CheckRounds(rounds));
  RONDO_TRY_STATUS(CheckDelta(delta));
  RONDO_TRY_STATUS(Check(
      epsilon > 0.0 && std::isfinite(epsilon), "the target epsilon", epsilon, "finite, above 0"));
  // The tight accountant needs no more noise than the quick one, and not much less. Where the quick
  // one has no answer, the search starts anywhere.
  double start = 1.0;
  double factor = 2.0;
  if (accountant == Accountant::kPld) {
    if (const Result<double> quick = NoiseFor(rounds, Accountant::kRdp, delta, epsilon)) {
      start = quick.value();
      factor = 1.2;
    }
  }
  // Logarithms make the function nearly straight; the smallest double stands for 0.
  const auto excess = [&](double log_noise) {
    rounds.noise = std::clamp(std::exp(log_noise), kLeastNoise, kMostNoise);
    const double spent = UncheckedEpsilon(rounds, accountant, delta).value;
    return At{.log_x = log_noise,
              .value = std::log(std::max(spent, std::numeric_limits<double>::min()) / epsilon)};
  };
  At low = excess(std::log(start));
  At high = low;
  while (high.value > 0.0 && high.log_x < std::log(kMostNoise)) {
    low = high;
    high = excess(std::min(high.log_x + std::log(factor), std::log(kMostNoise)));
  }
  while (low.value <= 0.0 && low.log_x > std::log(kLeastNoise)) {
    high = low;
    low = excess(std::max(low.log_x - std::log(factor), std::log(kLeastNoise)));
  }
  if (high.value > 0.0) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("epsilon {} at delta {} is out of reach: {} rounds cost more with a "
                            "noise multiplier of 1e9; raise epsilon or delta",
                            epsilon,
                            delta,
                            rounds.rounds));
  }
  if (low.value <= 0.0) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("epsilon {} at delta {} needs a noise multiplier below 1e-6, which is "
                            "as good as none; lower epsilon",
                            epsilon,
                            delta));
  }
  return FallingRoot(excess, low, high);
}

}  // namespace rondo
