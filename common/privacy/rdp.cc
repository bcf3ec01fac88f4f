#include "common/privacy/rdp.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/core/check.h"

namespace rondo {
namespace {

/// Below it the integrand needs too many points.
constexpr double kSmallestIntegrated = 0.05;

double LogExpm1(double x) {
  return x > 30.0 ? x + std::log1p(-std::exp(-x)) : std::log(std::expm1(x));
}

/// log(1 + e^x).
double LogOnePlusExp(double x) {
  return x > 0.0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

/// Logarithm of a sum of exponentials, without overflow.
class LogSum {
 public:
  void Add(double term) {
    if (term > largest_) {
      sum_ = sum_ * std::exp(largest_ - term) + 1.0;
      largest_ = term;
    } else if (term > -std::numeric_limits<double>::infinity()) {
      sum_ += std::exp(term - largest_);
    }
  }

  double Value() const { return largest_ + std::log(sum_); }

 private:
  double largest_ = -std::numeric_limits<double>::infinity();
  double sum_ = 0.0;
};

/// log(A - 1) for A = E[(1 + u)^order], of which the terms of power 0 and 1 in the binomial
/// expansion are exactly 1.
double LogExcessWhole(double rate, double noise, double order) {
  LogSum sum;
  const double inverse = 1.0 / (2.0 * noise * noise);
  double choose = std::log(order);  // of order over `power`
  for (int power = 2; power <= static_cast<int>(order); ++power) {
    const double k = power;
    choose += std::log((order - k + 1.0) / k);
    sum.Add(choose + (order - k) * std::log1p(-rate) + k * std::log(rate)
            + LogExpm1((k * k - k) * inverse));
  }
  return sum.Value();
}

/// log((1 + u)^order - 1 - order * u), which is positive, for 1 + u = 1 - rate + rate * e^y.
double LogExcessAt(double rate, double y, double order) {
  if (y > 30.0 - std::log(rate)) {
    // Nothing is left of the two lower terms but what log1p sees.
    const double l = std::log(rate) + y + std::log1p((1.0 - rate) / rate * std::exp(-y));
    return order * l + std::log1p(-order * std::exp(l * (1.0 - order)));
  }
  const double u = rate * std::expm1(y);
  if (std::abs(u) * order < 1e-3) {
    // Seven terms of the series: the closed form would cancel.
    double term = order * u;
    double sum = 0.0;
    for (int k = 2; k <= 8; ++k) {
      term *= (order - k + 1.0) / k * u;
      sum += term;
    }
    return std::log(sum);
  }
  return std::log(std::expm1(order * std::log1p(u)) - order * u);
}

/// The same expectation for any order, over z ~ N(0, noise^2) with y = (2 z - 1) / (2 noise^2).
/// The trapezoidal rule converges geometrically here: the nearest singularity is
/// pi * noise^2 off the real line, so the error is e^-79 of the integral, or less.
double LogExcessIntegrated(double rate, double noise, double order) {
  const double step = std::min(noise, noise * noise) / 4.0;
  const double variance = noise * noise;
  const double first = -13.0 * noise;
  const auto points = static_cast<long>((order + 26.0 * noise) / step);
  LogSum sum;
  for (long i = 0; i <= points; ++i) {
    const double z = first + static_cast<double>(i) * step;
    sum.Add(LogExcessAt(rate, (2.0 * z - 1.0) / (2.0 * variance), order)
            - z * z / (2.0 * variance));
  }
  return sum.Value() + std::log(step / noise) - 0.5 * std::log(2.0 * M_PI);
}

double Whole(double rate, double noise, double order) {
  return order < 2.0 ? 0.0 : LogOnePlusExp(LogExcessWhole(rate, noise, order)) / (order - 1.0);
}

}  // namespace

std::vector<double> RdpOrders() {
  std::vector<double> orders;
  for (int tenth = 11; tenth <= 109; ++tenth) {
    orders.push_back(tenth / 10.0);
  }
  for (int order = 12; order <= 63; ++order) {
    orders.push_back(order);
  }
  return orders;
}

double SampledGaussianRdp(double rate, double noise, double order) {
  RONDO_CHECK(rate > 0.0 && rate <= 1.0 && noise > 0.0 && order > 1.0);
  if (rate == 1.0) {
    return order / (2.0 * noise * noise);
  }
  const double below = std::floor(order);
  if (below == order) {
    return Whole(rate, noise, order);
  }
  if (noise >= kSmallestIntegrated) {
    return LogOnePlusExp(LogExcessIntegrated(rate, noise, order)) / (order - 1.0);
  }
  const double share = order - below;
  return ((1.0 - share) * (below - 1.0) * Whole(rate, noise, below)
          + share * below * Whole(rate, noise, below + 1.0))
         / (order - 1.0);
}

RdpBound RdpEpsilon(std::span<const double> orders,
                    std::span<const double> divergences,
                    double delta) {
  RONDO_CHECK(!orders.empty() && orders.size() == divergences.size());
  RdpBound best{.value = std::numeric_limits<double>::infinity(), .order = orders.front()};
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const double order = orders[i];
    const double epsilon = divergences[i] + std::log1p(-1.0 / order)
                           - (std::log(delta) + std::log(order)) / (order - 1.0);
    if (epsilon < best.value) {
      best = {.value = epsilon, .order = order};
    }
  }
  best.value = std::max(best.value, 0.0);
  return best;
}

RdpBound RdpDelta(std::span<const double> orders,
                  std::span<const double> divergences,
                  double epsilon) {
  RONDO_CHECK(!orders.empty() && orders.size() == divergences.size());
  RdpBound best{.value = std::numeric_limits<double>::infinity(), .order = orders.front()};
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const double order = orders[i];
    const double log_delta =
        (order - 1.0) * (divergences[i] + std::log1p(-1.0 / order) - epsilon) - std::log(order);
    if (log_delta < best.value) {
      best = {.value = log_delta, .order = order};
    }
  }
  best.value = std::min(std::exp(best.value), 1.0);
  return best;
}

}  // namespace rondo
