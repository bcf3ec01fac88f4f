#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/model/gemm.h"

/// The transformer blocks on raw rows, forwards and backwards. Free of LibTorch; fused_blocks.h is
/// the door to it.
namespace rondo {

/// One sequence among the rows of a pass from which padding has been left out.
struct Segment {
  std::int64_t group = 0;
  std::int64_t begin = 0;         ///< its first row
  std::int64_t length = 0;        ///< rows
  std::uint64_t dropout_key = 0;  ///< read if there is dropout
};

/// Shape and rules of a pass; what forward and backward share.
struct BlocksPlan {
  std::int64_t width = 0;
  std::int64_t heads = 1;
  std::vector<float> score_scale;  ///< of each block
  bool causal = true;
  double dropout = 0.0;
  std::vector<Segment> segments;  ///< by rows, so the rows of a group are neighbours

  std::int64_t blocks() const { return static_cast<std::int64_t>(score_scale.size()); }

  std::int64_t Rows() const;
  std::int64_t ShareCount() const;  ///< heads * length^2, summed over segments
  std::int64_t SavedSize() const;   ///< floats that forward leaves for backward
};

/// Tensors of a block in the order of their pointers, weight and bias alternating; the final norm
/// stands after the last block.
enum BlockSlot : std::size_t {
  kNorm1 = 0,
  kQuery = 2,
  kKey = 4,
  kValue = 6,
  kOutput = 8,
  kNorm2 = 10,
  kFf1 = 12,
  kFf2 = 14,
  kBlockSlots = 16
};

/// x [N, width] becomes what the encoder returns. `saved` has SavedSize floats.
void BlocksForward(const BlocksPlan& plan,
                   const std::vector<const float*>& weights,
                   float* saved,
                   float* x);

/// `gradient` [N, width] of the output becomes that of x; adds to `to_weights`.
void BlocksBackward(const BlocksPlan& plan,
                    const std::vector<const float*>& weights,
                    float* saved,
                    const std::vector<float*>& to_weights,
                    float* gradient);

}  // namespace rondo
