#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "common/config/scenario.h"
#include "common/model/encoder.h"

namespace rondo {

/// One sequence among the rows of a pass from which padding has been left out.
struct Segment {
  std::int64_t group = 0;
  std::int64_t begin = 0;         ///< its first row
  std::int64_t length = 0;        ///< rows
  std::uint64_t dropout_key = 0;  ///< read if there is dropout
};

/// How the blocks of one pass are taken.
struct FusedPass {
  std::vector<Segment> segments;  ///< by rows, so the rows of a group are neighbours
  double dropout = 0.0;
};

/// Whether FusedBlocks computes what this model asks for: dot products as scores, on the CPU.
bool HasFusedBlocks(const ModelConfig& config, const at::Device& device);

/// All blocks and the final norm as one node of the graph with a gradient written by hand. What
/// LibTorch does operation by operation, on padded rows and through memory, is done here sequence
/// by sequence in the cache; its twin is the operations in encoder.cc.
///
/// Shapes  x [N, width], valid rows only; returns [N, width].
at::Tensor FusedBlocks(const ModelConfig& config,
                       const EncoderWeights& weights,
                       const FusedPass& pass,
                       const at::Tensor& x);

}  // namespace rondo
