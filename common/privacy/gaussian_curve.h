#pragma once

namespace rondo {

/// Mass of the standard normal law beyond |x|, on one side.
double NormalTail(double x);

/// The point of the noise's axis at which one release has privacy loss `loss`; minus infinity where
/// every loss is larger. `noise` and `rate` as for SampledGaussianRdp.
double PointOfLoss(double rate, double noise, double loss);

/// Exact delta(epsilon) of one release: the larger one of adding and removing. With rate 1 and
/// noise / sqrt(rounds) it is exact for `rounds` releases, too.
/// Source  Balle and Wang 2018, "Improving the Gaussian mechanism for differential privacy",
/// theorem 8, for rate 1; the same integral over a mixture otherwise.
double GaussianDelta(double rate, double noise, double epsilon);

/// Smallest epsilon with GaussianDelta <= delta, from above; 0 where 0 suffices.
/// `enough` is an epsilon that is known to suffice.
double GaussianEpsilon(double rate, double noise, double delta, double enough);

}  // namespace rondo
