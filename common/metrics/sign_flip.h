#pragma once

#include <cstdint>
#include <span>

#include "common/core/result.h"

namespace rondo {

struct SignFlipOptions {
  std::uint64_t seed = 1;
  int flips = 9999;      ///< random sign vectors where there are too many to go through
  int exact_up_to = 16;  ///< independent units of which all 2^n sign vectors are gone through
};

struct SignFlip {
  double p = 1.0;         ///< two-sided
  double smallest = 1.0;  ///< no data of this size can give a smaller p
  bool exact = false;     ///< all sign vectors were gone through
};

/// Tests whether paired differences are symmetric around 0: flips their signs and asks how often
/// the sum is at least as far from 0 as the one seen. Differences that are all 0 give p = 1.
///
/// With random flips p = (1 + hits) / (1 + flips), which is never too small.
/// Source  Fisher 1935, "The design of experiments", section 21; Phipson and Smyth 2010,
/// "Permutation p-values should never be zero".
/// Errors  kInvalidArgument for no differences, one that is not finite, or flips < 1.
Result<SignFlip> SignFlipTest(std::span<const double> differences, const SignFlipOptions& options);

/// The same where users share institutions: all users of one keep a common sign.
/// Shapes  clusters [differences], the institution of each user: any numbers.
Result<SignFlip> ClusterSignFlipTest(std::span<const double> differences,
                                     std::span<const std::uint32_t> clusters,
                                     const SignFlipOptions& options);

}  // namespace rondo
