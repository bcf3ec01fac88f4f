#pragma once

#include <cstdint>
#include <string>

#include <torch/types.h>

#include "common/core/result.h"
#include "common/model/loss_rows.h"

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
  SampledShape shape;
  at::ScalarType products = at::kFloat;  ///< as EncoderInput::products
};

/// Losses [G, P] of the scores [G, P, 1 + K] of a target, the first, and its negatives.
using ScoreLoss = at::Tensor (*)(const at::Tensor& scores, const SampledShape& shape);

struct LossOutput {
  at::Tensor each;       ///< [G, P], loss of each position, without gradient
  at::Tensor objective;  ///< scalar, sum of coefficient * loss; what is differentiated
};

/// One loss, by its word in the scenario, twice: as operations of LibTorch, and on raw rows. With s
/// the score of the target, s_k those of K uniform negatives and N items in the catalogue:
///
///   softmax          log(sum over items of exp(score)) - s
///   sampled_softmax  log(exp(s) + sum of exp(s_k - log(K / N))) - s. A negative stands for N / K
///                    items, the target for itself. Source  Bengio and Senecal 2008, importance
///                    sampling of the partition function.
///   bce              softplus(-s) + sum of softplus(s_k)
///   bpr              sum of softplus(s_k - s). Source  Rendle et al. 2009.
///   gbce             b softplus(-s) + sum of softplus(s_k), b = 1 - t (1 - K / (N - 1)): few
///                    negatives make scores overconfident, which b < 1 undoes. t is
///                    client.calibration. Source  Petrov and Macdonald 2023 (gSASRec), times
///                    the constant K + 1.
struct LossKind {
  std::string name;
  LossOutput (*loss)(const LossInput& in);
  LossRows rows;
  ScoreLoss of_scores = nullptr;  ///< null for the full softmax
};

/// Errors  kInvalidArgument for an unknown word.
Result<const LossKind*> FindLoss(const std::string& name);

}  // namespace rondo
