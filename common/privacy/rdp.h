#pragma once

#include <span>
#include <vector>

namespace rondo {

/// 1.1 to 10.9 by 0.1, and 12 to 63.
std::vector<double> RdpOrders();

/// Renyi divergence of order `order` > 1 that one release costs: a Gaussian of `noise` standard
/// deviations per unit of sensitivity, on a Poisson sample in which everybody is with probability
/// `rate`; neighbours add or remove one. In nats.
///
/// Whole orders are a sum of positive terms, others an integral of a positive function, right to
/// about 1e-10. Below noise 0.05 orders between whole ones lie on the chord of
/// (order - 1) * divergence, which is convex: an upper bound.
/// Source  Mironov, Talwar and Zhang 2019, "Renyi differential privacy of the sampled Gaussian
/// mechanism", section 3.
double SampledGaussianRdp(double rate, double noise, double order);

/// A bound and the order that gives it.
struct RdpBound {
  double value = 0.0;
  double order = 0.0;
};

/// Smallest epsilon that the divergences prove at `delta`; never below 0.
/// Shapes  orders [n], divergences [n], those of all releases together.
/// Source  Canonne, Kamath and Steinke 2020, "The discrete Gaussian for differential privacy",
/// proposition 12.
RdpBound RdpEpsilon(std::span<const double> orders,
                    std::span<const double> divergences,
                    double delta);

/// Smallest delta that they prove at `epsilon`, by the same inequality; never above 1.
RdpBound RdpDelta(std::span<const double> orders,
                  std::span<const double> divergences,
                  double epsilon);

}  // namespace rondo
