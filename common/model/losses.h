#pragma once

#include <cstdint>
#include <string>

#include <torch/types.h>

#include "common/core/result.h"

namespace rondo {

/// What a loss looks at: hidden states at the positions that count, gathered from the encoder's
/// output.
struct LossInput {
  at::Tensor hidden;     ///< [G, P, width]
  at::Tensor item;       ///< [G, rows, width]; row 0 is padding
  at::Tensor target;     ///< int64 [G, P], table rows, at least 1
  at::Tensor negatives;  ///< int64 [G, P, K], table rows; unused by the full softmax
  at::Tensor
      coefficient;  ///< [G, P], factor of a position's loss in the objective; 0 for unused slots
  std::int64_t items = 0;  ///< of the catalogue, for the log-Q correction
};

struct LossOutput {
  at::Tensor each;       ///< [G, P], loss of each position, without gradient
  at::Tensor objective;  ///< scalar, sum of coefficient * loss; what is differentiated
};

using Loss = LossOutput (*)(const LossInput&);

/// Finds a loss by its word in the scenario: softmax | sampled_softmax | bce.
/// Errors  kInvalidArgument for an unknown word.
Result<Loss> FindLoss(const std::string& name);

}  // namespace rondo
