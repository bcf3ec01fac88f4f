#include "common/privacy/gaussian_curve.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rondo {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// log P(X > x) of the standard normal law.
double LogAbove(double x) {
  if (x < 30.0) {
    return std::log(0.5 * std::erfc(x / M_SQRT2));
  }
  const double inverse = 1.0 / (x * x);
  return -0.5 * x * x - std::log(x) - 0.5 * std::log(2.0 * M_PI)
         + std::log1p(-inverse * (1.0 - inverse * (3.0 - 15.0 * inverse)));
}

/// The record's owner is removed: the mixture against the noise alone.
double Removed(double rate, double noise, double epsilon) {
  const double z = PointOfLoss(rate, noise, epsilon);
  // e^epsilon - 1 + rate
  const double log_factor = epsilon > 600.0
                                ? epsilon + std::log1p(-(1.0 - rate) * std::exp(-epsilon))
                                : std::log(std::expm1(epsilon) + rate);
  return rate * std::exp(LogAbove((z - 1.0) / noise)) - std::exp(log_factor + LogAbove(z / noise));
}

/// And is added: the noise alone against the mixture.
double Added(double rate, double noise, double epsilon) {
  const double z = PointOfLoss(rate, noise, -epsilon);
  if (z == -kInfinity) {
    return 0.0;
  }
  const double log_rest = std::log1p(-rate) + LogAbove(-z / noise);
  const double log_shifted = std::log(rate) + LogAbove((1.0 - z) / noise);
  return std::exp(LogAbove(-z / noise)) - (rate < 1.0 ? std::exp(epsilon + log_rest) : 0.0)
         - std::exp(epsilon + log_shifted);
}

}  // namespace

double NormalTail(double x) {
  return 0.5 * std::erfc(std::abs(x) / M_SQRT2);
}

double PointOfLoss(double rate, double noise, double loss) {
  if (loss > 600.0) {
    return 0.5 + noise * noise * (loss - std::log(rate));
  }
  if (rate == 1.0) {
    return 0.5 + noise * noise * loss;
  }
  const double ratio = std::expm1(loss) / rate;
  return ratio > -1.0 ? 0.5 + noise * noise * std::log1p(ratio) : -kInfinity;
}

double GaussianDelta(double rate, double noise, double epsilon) {
  return std::clamp(std::max(Removed(rate, noise, epsilon), Added(rate, noise, epsilon)), 0.0, 1.0);
}

double GaussianEpsilon(double rate, double noise, double delta, double enough) {
  double low = 0.0;
  double high = enough;
  if (GaussianDelta(rate, noise, low) <= delta) {
    return low;
  }
  for (int i = 0; i < 200 && high - low > 1e-15 * high; ++i) {
    const double middle = 0.5 * (low + high);
    (GaussianDelta(rate, noise, middle) <= delta ? high : low) = middle;
  }
  return high;
}

}  // namespace rondo
