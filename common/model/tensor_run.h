#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

namespace rondo {

/// Tensors that lie one after the other in one stretch of memory, so that what is done to every
/// number of them is one operation.
struct TensorRun {
  at::Tensor flat;                ///< [numbers of all]
  std::vector<at::Tensor> parts;  ///< contiguous views of `flat`
};

/// Room in the shapes of `like`, with whatever numbers lie there.
TensorRun EmptyRun(const std::vector<at::Tensor>& like);

/// Numbers [G] in a shape that spreads over tensors [G, ...] of `dimensions`.
at::Tensor Spread(const at::Tensor& per_group, std::int64_t dimensions);

}  // namespace rondo
