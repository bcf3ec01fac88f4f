#pragma once

#include <string>

#include <torch/types.h>

#include "common/core/result.h"

namespace rondo {

/// Raw attention scores of queries against keys, before the mask and the softmax.
///
/// Shapes  query [N, Q, F], key [N, K, F] with N = G * B * H, group major, heads last; weight
/// depends
///         on the kind, [G, ...]; bias [N or 1, Q or 1, K] is added. Returns [N, Q, K].
using AttentionScore = at::Tensor (*)(const at::Tensor& query,
                                      const at::Tensor& key,
                                      const at::Tensor& weight,
                                      const at::Tensor& bias);

/// A kind of attention, by its word in the scenario.
struct AttentionKind {
  std::string name;
  AttentionScore score;
  std::string weight_name;  ///< "bilinear.weight", "additive.weight" or empty
};

/// Errors  kInvalidArgument for an unknown word.
Result<const AttentionKind*> FindAttention(const std::string& name);

}  // namespace rondo
