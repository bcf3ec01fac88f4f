#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace rondo {

/// An upper bound on delta(epsilon) of many releases, from the law of their summed privacy loss on
/// a grid. One direction: somebody is removed, or somebody is added.
class LossLaw {
 public:
  /// `mass` [n] of the losses (i + 1) * step; `beyond`: everything else that may exceed any
  /// epsilon.
  LossLaw(std::vector<double> mass, double step, double beyond);

  double Delta(double epsilon) const;

  /// Smallest epsilon >= 0 with Delta <= delta; nothing where `beyond` alone is more.
  std::optional<double> Epsilon(double delta) const;

 private:
  std::vector<double> mass_;
  double step_ = 0.0;
  double beyond_ = 0.0;
};

struct ComposedLoss {
  LossLaw removed;
  LossLaw added;
  double step = 0.0;  ///< of the grid

  double Delta(double epsilon) const;
  std::optional<double> Epsilon(double delta) const;
};

/// Where to cut a law off: losses beyond +-`reach` are left to a Chernoff bound with `tilt`.
struct LossWindow {
  double reach = 0.0;
  double tilt = 0.0;
};

/// The summed privacy loss of `rounds` releases of SampledGaussianRdp's mechanism with rate < 1.
///
/// Every cell of the grid hands its two masses (of either neighbour) to its ends so that both are
/// kept. That puts chords in place of the convex delta as a function of e^epsilon, so delta is
/// never too small; the summed loss is wider by a variance of about rounds * step^2 / 4 at most.
/// Losses above the window count as infinite, those below as the smallest in it. What a transform
/// folds over the upper edge is bounded by Chernoff and added to delta, and so is an estimate of
/// the rounding of the transform, from above.
/// Source  Koskela, Jaelkoe and Honkela 2020, "Computing tight differential privacy guarantees
/// using FFT"; Doroshenko et al. 2022, "Connect the dots: tighter discrete approximations of
/// privacy loss distributions", section 3.
ComposedLoss ComposeLoss(double rate, double noise, std::int64_t rounds, const LossWindow& window);

}  // namespace rondo
