#pragma once

#include <string>

#include <torch/types.h>

#include "common/core/result.h"
#include "common/model/attention_plane.h"
#include "common/model/encoder.h"

namespace rondo {

/// A form of attention, by its word in the scenario: what changes a block beside the kind of its
/// scores. A form has any of three handles.
///
///   window     queries meet the most recent events alone; see WindowPlane, which is all of it.
///   top_k      of each query's scores the `model.top_k` highest are kept, and all equal to the
///   least
///              of them. Every score is computed first, so shares become sparse and cost does not
///              fall. Source  Zhao et al. 2019 (Explicit Sparse Transformer).
///   gated      sigmoid(W h + b) times the attended value, element by element, h being the
///   normalised
///              state of the query. Cost  L width^2. Source  Qiu et al. 2025 (Gated Attention for
///              Large Language Models), gate after the attended value.
///   relative   a learned number a head and distance is added to the scores. Cost  L^2, or 2 L
///   window.
///              Source  Raffel et al. 2020 (T5), section 2.1, with one bucket a distance.
struct AttentionForm {
  std::string name;
  std::string weight_name;  ///< "gate", "relative" or empty
  bool has_bias = false;    ///< weight_name.bias exists beside weight_name.weight

  /// Added to the mask. Shapes  returns [G, 1 or B P, H, Q, K].
  at::Tensor (*bias)(const AttentionPlane& plane, const AffineWeights& weights) = nullptr;

  /// The scores that stay. Shapes  scores, result [N, Q, K].
  at::Tensor (*choose)(const ModelConfig& config, const at::Tensor& scores) = nullptr;

  /// Shapes  state, mixed and result [G, B L, width].
  at::Tensor (*gate)(const at::Tensor& state,
                     const at::Tensor& mixed,
                     const AffineWeights& weights,
                     at::ScalarType products) = nullptr;
};

/// Errors  kInvalidArgument for an unknown word.
Result<const AttentionForm*> FindForm(const std::string& name);

}  // namespace rondo
