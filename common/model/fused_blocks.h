#pragma once

#include <torch/types.h>

#include "common/config/scenario.h"
#include "common/model/block_pass.h"
#include "common/model/encoder.h"

namespace rondo {

/// Whether FusedBlocks computes what this model asks for: dot products as scores, on a
/// CPU with a BLAS.
bool HasFusedBlocks(const ModelConfig& config, const at::Device& device);

/// All blocks and the final norm as one node of the graph with a gradient written by hand. What
/// LibTorch does operation by operation, on padded rows and through memory, is done here some
/// sequences at a time in the cache; its twin is the operations in encoder.cc.
///
/// Shapes  x [N, width], the rows of `segments`; returns [N, width].
at::Tensor FusedBlocks(const ModelConfig& config,
                       const EncoderWeights& weights,
                       std::vector<Segment> segments,
                       double dropout,
                       const at::Tensor& x);

}  // namespace rondo
