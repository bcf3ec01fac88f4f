#include "common/data/distributions.h"

#include <cmath>

namespace rondo {
namespace {

/// Gamma(shape, 1). Source  Marsaglia and Tsang 2000, "A simple method for generating gamma
/// variables".
double Gamma(double shape, Rng& rng) {
  if (shape < 1.0) {
    const double boost = std::pow(1.0 - rng.Uniform(), 1.0 / shape);
    return Gamma(shape + 1.0, rng) * boost;
  }
  const double d = shape - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  while (true) {
    const double x = rng.Normal();
    const double v = std::pow(1.0 + c * x, 3.0);
    if (v > 0.0 && std::log(1.0 - rng.Uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) {
      return d * v;
    }
  }
}

}  // namespace

std::vector<double> DrawDirichlet(double alpha, std::size_t size, Rng& rng) {
  std::vector<double> shares(size);
  double total = 0.0;
  for (double& share : shares) {
    share = Gamma(alpha, rng);
    total += share;
  }
  // All draws can vanish where alpha is small: one share is then everything, as in the limit.
  if (total <= 0.0) {
    shares[rng.Below(size)] = 1.0;
    total = 1.0;
  }
  for (double& share : shares) {
    share /= total;
  }
  return shares;
}

std::size_t DrawIndex(const std::vector<double>& shares, double total, Rng& rng) {
  double left = total * rng.Uniform();
  for (std::size_t k = 0; k + 1 < shares.size(); ++k) {
    left -= shares[k];
    if (left < 0.0) {
      return k;
    }
  }
  return shares.size() - 1;
}

}  // namespace rondo
