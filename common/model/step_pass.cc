#include "common/model/step_pass.h"

#include <algorithm>
#include <cmath>

#include "common/model/dropout.h"
#include "common/model/row_math.h"

namespace rondo {
namespace {

/// Calls work(segment, row of the chunk, table row, row of the position table) for each row.
template <typename Work>
void ForRows(const PassInput& in, const Chunk& chunk, const Work& work) {
  std::int64_t row = 0;
  for (const Segment& segment : chunk.segments) {
    const std::int64_t* const end = in.input + (segment.sequence + 1) * in.length;
    for (std::int64_t from_end = segment.length; from_end > 0; --from_end, ++row) {
      work(row,
           segment.group * in.item_rows + end[-from_end],
           segment.group * in.history + in.history - from_end);
    }
  }
}

/// The mask over the embeddings of a chunk [rows, width]; null without dropout.
const float* EmbeddingMask(const PassInput& in, const Chunk& chunk, Room& room) {
  if (in.plan.dropout <= 0.0) {
    return nullptr;
  }
  float* const mask = room.Take(chunk.rows * in.plan.width);
  float* at = mask;
  for (const Segment& segment : chunk.segments) {
    const std::int64_t count = segment.length * in.plan.width;
    FillDropoutMask({&segment.dropout_key, 1},
                    segment.length,
                    in.plan.width,
                    {.site = 0, .probability = in.plan.dropout},
                    {at, static_cast<std::size_t>(count)});
    at += count;
  }
  return mask;
}

/// Source  Kang and McAuley 2018 (SASRec): the item table is scaled by sqrt(width).
void Embed(const PassInput& in,
           const Chunk& chunk,
           const ModelRows<const float>& weights,
           const float* mask,
           float* x) {
  const std::int64_t width = in.plan.width;
  const float scale = std::sqrt(static_cast<float>(width));
  ForRows(in, chunk, [&](std::int64_t row, std::int64_t item, std::int64_t place) {
    float* const to = x + row * width;
    std::fill(to, to + width, 0.0F);
    AddScaledRow(scale, weights.item + item * width, width, to);
    if (weights.position != nullptr) {
      AddInPlace(weights.position + place * width, width, to);
    }
  });
  if (mask != nullptr) {
    ScaleInPlace(mask, chunk.rows * width, x);
  }
}

void EmbedBackward(const PassInput& in,
                   const Chunk& chunk,
                   const ModelRows<float>& to_weights,
                   const float* mask,
                   float* to_x) {
  const std::int64_t width = in.plan.width;
  const float scale = std::sqrt(static_cast<float>(width));
  if (mask != nullptr) {
    ScaleInPlace(mask, chunk.rows * width, to_x);
  }
  ForRows(in, chunk, [&](std::int64_t row, std::int64_t item, std::int64_t place) {
    const float* const from = to_x + row * width;
    AddScaledRow(scale, from, width, to_weights.item + item * width);
    if (to_weights.position != nullptr) {
      AddInPlace(from, width, to_weights.position + place * width);
    }
  });
}

/// The slots of a chunk's sequences are neighbours, since slots follow sequences.
struct ChunkSlots {
  std::int64_t first = 0;
  std::vector<std::int64_t> row;  ///< of the chunk, one a slot
};

/// `next` is the first slot of the group that no earlier chunk has had.
ChunkSlots SlotsOf(const PassInput& in,
                   const StepTargets& targets,
                   const Chunk& chunk,
                   std::int64_t next) {
  const std::int64_t end = (chunk.group() + 1) * targets.slots;
  ChunkSlots slots{.first = next};
  std::int64_t row = 0;  // of the segment's first row
  for (const Segment& segment : chunk.segments) {
    const std::int64_t stop = (segment.sequence + 1) * in.length;
    for (; next < end && targets.owner[next] >= 0 && targets.place[next] < stop; ++next) {
      slots.row.push_back(row + segment.length - (stop - targets.place[next]));
    }
    row += segment.length;
  }
  return slots;
}

/// Losses of a chunk: the states x [rows, width] become the objective's gradient with regard to
/// them.
void ChunkLoss(const PassInput& in,
               const StepTargets& targets,
               const ChunkSlots& slots,
               LossRows loss,
               const float* item,
               float* to_item,
               const Chunk& chunk,
               StepRooms& rooms,
               float* x,
               float* each) {
  const std::int64_t width = in.plan.width;
  const auto count = static_cast<std::int64_t>(slots.row.size());
  float* const hidden = rooms.hidden.Take(count * width);
  float* const to_hidden = rooms.to_hidden.Take(count * width);
  for (std::int64_t i = 0; i < count; ++i) {
    const float* const from = x + slots.row[static_cast<std::size_t>(i)] * width;
    std::copy(from, from + width, hidden + i * width);
  }
  const std::int64_t shift = chunk.group() * in.item_rows * width;
  loss({.count = count,
        .width = width,
        .hidden = hidden,
        .item = item + shift,
        .rows = in.item_rows,
        .target = targets.target + slots.first,
        .negatives = targets.negatives + slots.first * targets.negatives_a_slot,
        .negatives_a_target = targets.negatives_a_slot,
        .coefficient = targets.coefficient + slots.first,
        .shape = targets.shape},
       {.each = each + slots.first, .to_hidden = to_hidden, .to_item = to_item + shift},
       rooms.scores);
  std::fill(x, x + chunk.rows * width, 0.0F);
  for (std::int64_t i = 0; i < count; ++i) {
    AddInPlace(to_hidden + i * width, width, x + slots.row[static_cast<std::size_t>(i)] * width);
  }
}

}  // namespace

std::vector<Segment> SegmentsOf(const std::int64_t* input,
                                std::int64_t groups,
                                std::int64_t batch,
                                std::int64_t length,
                                std::span<const std::uint64_t> dropout_key) {
  std::vector<Segment> segments;
  std::int64_t begin = 0;
  for (std::int64_t sequence = 0; sequence < groups * batch; ++sequence, input += length) {
    const std::int64_t padding =
        std::find_if(input, input + length, [](std::int64_t row) { return row != 0; }) - input;
    if (padding == length) {
      continue;
    }
    const bool keyed = !dropout_key.empty();
    segments.push_back(
        {.group = sequence / batch,
         .sequence = sequence,
         .begin = begin,
         .length = length - padding,
         .dropout_key = keyed ? dropout_key[static_cast<std::size_t>(sequence)] : 0});
    begin += length - padding;
  }
  return segments;
}

void EncodeRows(const PassInput& in,
                const ModelRows<const float>& weights,
                StepRooms& rooms,
                float* hidden) {
  for (const Chunk& chunk : MakeChunks(in.plan)) {
    float* const x = hidden + chunk.begin() * in.plan.width;
    Embed(in, chunk, weights, EmbeddingMask(in, chunk, rooms.mask), x);
    ForwardChunk(in.plan, chunk, weights.blocks, rooms.blocks, x);
  }
}

void StepRows(const PassInput& in,
              const StepTargets& targets,
              LossRows loss,
              const ModelRows<const float>& weights,
              const ModelRows<float>& to_weights,
              StepRooms& rooms,
              float* each) {
  std::fill(each, each + targets.groups * targets.slots, 0.0F);
  std::int64_t next_slot = 0;
  for (const Chunk& chunk : MakeChunks(in.plan)) {
    if (chunk.opens_group) {
      next_slot = chunk.group() * targets.slots;
    }
    const ChunkSlots slots = SlotsOf(in, targets, chunk, next_slot);
    next_slot += static_cast<std::int64_t>(slots.row.size());
    float* const x = rooms.x.Take(chunk.rows * in.plan.width);
    const float* const mask = EmbeddingMask(in, chunk, rooms.mask);
    Embed(in, chunk, weights, mask, x);
    ForwardChunk(in.plan, chunk, weights.blocks, rooms.blocks, x);
    ChunkLoss(in, targets, slots, loss, weights.item, to_weights.item, chunk, rooms, x, each);
    BackwardChunk(in.plan, chunk, weights.blocks, to_weights.blocks, rooms.blocks, x);
    EmbedBackward(in, chunk, to_weights, mask, x);
  }
}

}  // namespace rondo
