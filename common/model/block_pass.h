#pragma once

#include <cstddef>
#include <vector>

#include "common/model/block_plan.h"

/// The transformer blocks on raw rows, forwards and backwards. Free of LibTorch; fused_blocks.h is
/// the door to it.
namespace rondo {

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
