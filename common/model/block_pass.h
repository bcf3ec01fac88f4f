#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/model/block_plan.h"

/// The transformer blocks on raw rows, forwards and backwards. Free of LibTorch; fused_step.h is
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

/// Floats that grow and are never cleared, so that room used again costs nothing.
class Room {
 public:
  float* Take(std::int64_t count) {
    if (size_ < count) {
      floats_ = std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(count));
      size_ = count;
    }
    return floats_.get();
  }

 private:
  std::unique_ptr<float[]> floats_;
  std::int64_t size_ = 0;
};

/// Room of a chunk, used again by the next. `saved` is what forward leaves for backward.
struct BlockRooms {
  Room saved, h, moved, inner, to_query, to_key, to_value, mask, dropped, to_shares, to_state;
};

/// Takes the rows of a chunk through all blocks and the final norm, in place.
/// Shapes  x [chunk.rows, width]; weights [G, ...] in the order of BlockSlot.
void ForwardChunk(const BlocksPlan& plan,
                  const Chunk& chunk,
                  const std::vector<const float*>& weights,
                  BlockRooms& rooms,
                  float* x);

/// After ForwardChunk with the same rooms: the gradient of the output becomes that of x, in place.
/// Adds to `to_weights`.
void BackwardChunk(const BlocksPlan& plan,
                   const Chunk& chunk,
                   const std::vector<const float*>& weights,
                   const std::vector<float*>& to_weights,
                   BlockRooms& rooms,
                   float* gradient);

}  // namespace rondo
