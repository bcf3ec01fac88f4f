#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/model/block_pass.h"
#include "common/model/loss_rows.h"

/// Encoder and loss on raw rows, forwards and backwards, some sequences at a time: from the lookup
/// of embeddings to their gradient a chunk stays in a core's cache. Free of LibTorch; fused_step.h
/// is the door to it.
namespace rondo {

/// The weights of all groups, or their gradients.
template <typename Float>
struct ModelRows {
  Float* item = nullptr;       ///< [G, item_rows, width]
  Float* position = nullptr;   ///< [G, history, width]; null without positions
  std::vector<Float*> blocks;  ///< in the order of BlockSlot
};

/// The sequences of a pass and the sizes of the tables they look at.
struct PassInput {
  BlocksPlan plan;  ///< its segments are those of `input`
  std::int64_t length = 0;
  const std::int64_t* input = nullptr;  ///< [G, B, length] table rows, right-aligned, 0 = padding
  std::int64_t item_rows = 0;
  std::int64_t history = 0;
};

/// The sequences that are not padding throughout.
/// Shapes  input int64 [groups, batch, length]; dropout_key [groups batch] or empty.
std::vector<Segment> SegmentsOf(const std::int64_t* input,
                                std::int64_t groups,
                                std::int64_t batch,
                                std::int64_t length,
                                std::span<const std::uint64_t> dropout_key);

struct StepRooms {
  BlockRooms blocks;
  Room x, mask, hidden, to_hidden, scores;
};

/// Hidden states of all rows of the segments after the final norm.
/// Shapes  returns into `hidden` [plan.Rows(), width].
void EncodeRows(const PassInput& in,
                const ModelRows<const float>& weights,
                StepRooms& rooms,
                float* hidden);

/// What is to be predicted. The used slots of a group come first, in the order of sequences.
struct StepTargets {
  std::int64_t groups = 0;                  ///< G
  std::int64_t slots = 0;                   ///< P
  std::int64_t negatives_a_slot = 0;        ///< K
  const std::int64_t* place = nullptr;      ///< [G, P] index into the flat [G B L] positions
  const std::int64_t* target = nullptr;     ///< [G, P] table rows
  const std::int64_t* negatives = nullptr;  ///< [G, P, K] table rows
  const float* coefficient = nullptr;       ///< [G, P]
  const std::int32_t* owner = nullptr;      ///< [G, P] -1 for unused slots
  SampledShape shape;
};

/// One step of all groups. Adds to `to_weights`; `each` [G, P] are the losses, 0 in unused slots.
void StepRows(const PassInput& in,
              const StepTargets& targets,
              LossRows loss,
              const ModelRows<const float>& weights,
              const ModelRows<float>& to_weights,
              StepRooms& rooms,
              float* each);

}  // namespace rondo
