#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "common/core/result.h"

namespace rondo {

/// The same release made round after round: a sum over a Poisson sample of the units, in which
/// everybody is with probability `rate`, plus Gaussian noise. Rate 1 holds wherever the sampling is
/// not random and secret. One round, and rate 1, are computed by kPld in closed form.
struct NoisyRounds {
  double rate = 1.0;        ///< in (0, 1]
  double noise = 1.0;       ///< standard deviation over sensitivity (L2), 1e-6 to 1e9
  std::int64_t rounds = 1;  ///< 1 to 1e9
};

enum class Accountant {
  kRdp,  ///< Renyi divergences of fixed orders: quick, loose
  kPld,  ///< the law of the privacy loss: tight
};

/// An upper bound, and the order that gave it where divergences did. kPld takes theirs, too, where
/// its grid gives no less: for very large losses, and for deltas near the rounding of doubles.
struct PrivacyBound {
  double value = 0.0;
  std::optional<double> order = std::nullopt;
};

/// Epsilon of all rounds together at `delta` in (0, 1), never below the truth: neighbours add or
/// remove one unit.
/// Errors  kInvalidArgument for numbers out of range.
Result<PrivacyBound> EpsilonOf(const NoisyRounds& rounds, Accountant accountant, double delta);

/// Epsilon of releases that differ. kPld is tight for one kind of them and for rate 1 throughout;
/// else it gives the bound of kRdp.
/// Errors  as above; kInvalidArgument without any.
Result<PrivacyBound> EpsilonOf(std::span<const NoisyRounds> all,
                               Accountant accountant,
                               double delta);

/// How many releases like `one` keep epsilon at `delta` within `target`, at most `limit` >= 1.
/// Errors  as above.
Result<std::int64_t> RoundsWithin(NoisyRounds one,
                                  Accountant accountant,
                                  double delta,
                                  double target,
                                  std::int64_t limit);

/// Delta at `epsilon` >= 0.
/// Errors  as above.
Result<PrivacyBound> DeltaOf(const NoisyRounds& rounds, Accountant accountant, double epsilon);

/// Smallest noise, right to 1e-9 of it and rounded up, that keeps epsilon > 0 at `delta`;
/// `rounds.noise` is not read.
/// Errors  as above, and kInvalidArgument where no noise up to 1e9 is enough, or 1e-6 is more than
/// enough.
Result<double> NoiseFor(NoisyRounds rounds, Accountant accountant, double delta, double epsilon);

}  // namespace rondo
