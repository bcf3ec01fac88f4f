#include "common/model/block_pass.h"

#include <algorithm>

#include "common/model/dropout.h"
#include "common/model/gemm.h"
#include "common/model/row_math.h"

namespace rondo {
namespace {

// Dropout sites of a block, after site 0 of the embedding; the same numbers as in encoder.cc.
enum Site : std::uint32_t { kShares = 0, kMixed = 1, kInner = 2, kOuter = 3, kSites = 4 };

std::int64_t BlockSize(const BlocksPlan& plan, const Chunk& chunk) {
  return chunk.rows * (7 * plan.width + 2) + chunk.shares;
}

/// What a block leaves for its gradient.
struct Saved {
  Saved(const BlocksPlan& plan, const Chunk& chunk, float* all, std::int64_t block) {
    float* at = all + block * BlockSize(plan, chunk);
    for (float** part : {&normal1, &query, &key, &value, &mixed, &normal2, &inner}) {
      *part = at;
      at += chunk.rows * plan.width;
    }
    inverse1 = at;
    inverse2 = at + chunk.rows;
    shares = at + 2 * chunk.rows;
  }

  float* normal1;  ///< [rows, width]
  float* query;    ///< same, as are the next five
  float* key;
  float* value;
  float* mixed;  ///< attention's output before its projection
  float* normal2;
  float* inner;     ///< after relu and dropout
  float* inverse1;  ///< [rows]
  float* inverse2;  ///< [rows]
  float* shares;    ///< a segment's [heads, length, length] after the other, before dropout
};

/// The same of the final norm, after the last block.
struct SavedFinal {
  SavedFinal(const BlocksPlan& plan, const Chunk& chunk, float* all)
      : normal(all + plan.blocks() * BlockSize(plan, chunk)),
        inverse(normal + chunk.rows * plan.width) {}

  float* normal;   ///< [rows, width]
  float* inverse;  ///< [rows]
};

std::int64_t SavedSize(const BlocksPlan& plan, const Chunk& chunk) {
  return plan.blocks() * BlockSize(plan, chunk) + chunk.rows * (plan.width + 1);
}

/// One block of one chunk, forwards and backwards. Matrices are [rows, width] of the chunk.
class BlockPass {
 public:
  struct Parts {
    const BlocksPlan& plan;
    const std::vector<const float*>& weights;
    const std::vector<float*>& to_weights;  ///< empty on the way forwards
    const Chunk& chunk;
    BlockRooms& rooms;
  };

  BlockPass(const Parts& parts, std::int64_t block, float* saved)
      : plan_(parts.plan),
        parts_(parts),
        block_(static_cast<std::size_t>(block)),
        rows_(parts.chunk.rows),
        width_(parts.plan.width),
        size_(rows_ * width_),
        saved_(parts.plan, parts.chunk, saved, block) {}

  void Forward(float* x) {
    float* const h = parts_.rooms.h.Take(size_);
    Normalise(x, saved_.normal1, saved_.inverse1, kNorm1, h);
    Project(h, kQuery, saved_.query);
    Project(h, kKey, saved_.key);
    Project(h, kValue, saved_.value);
    Attend();
    Project(saved_.mixed, kOutput, h);
    Drop(kMixed, h);
    AddInPlace(h, size_, x);
    Normalise(x, saved_.normal2, saved_.inverse2, kNorm2, h);
    Multiply(Rows(h), Square(kFf1).T(), Rows(saved_.inner));
    AddBiasReluRows(Vector(kFf1 + 1), rows_, width_, saved_.inner);
    Drop(kInner, saved_.inner);
    Project(saved_.inner, kFf2, h);
    Drop(kOuter, h);
    AddInPlace(h, size_, x);
  }

  void Backward(float* gradient) {
    float* const h = parts_.rooms.h.Take(size_);
    float* const moved = parts_.rooms.moved.Take(size_);
    float* const inner = parts_.rooms.inner.Take(size_);
    std::copy(gradient, gradient + size_, moved);
    Drop(kOuter, moved);
    ProjectBackward(saved_.inner, moved, kFf2, inner, 0.0F);
    const double kept = plan_.dropout > 0.0 ? 1.0 / (1.0 - plan_.dropout) : 1.0;
    PassPositive(saved_.inner, size_, static_cast<float>(kept), inner);
    ScaleShiftRows(saved_.normal2, Vector(kNorm2), Vector(kNorm2 + 1), rows_, width_, h);
    ProjectBackward(h, inner, kFf1, moved, 0.0F);
    NormaliseBackward(moved, saved_.normal2, saved_.inverse2, kNorm2, gradient);
    std::copy(gradient, gradient + size_, moved);
    Drop(kMixed, moved);
    ProjectBackward(saved_.mixed, moved, kOutput, inner, 0.0F);
    float* const to_query = parts_.rooms.to_query.Take(size_);
    float* const to_key = parts_.rooms.to_key.Take(size_);
    float* const to_value = parts_.rooms.to_value.Take(size_);
    AttendBackward(inner, to_query, to_key, to_value);
    ScaleShiftRows(saved_.normal1, Vector(kNorm1), Vector(kNorm1 + 1), rows_, width_, h);
    ProjectBackward(h, to_query, kQuery, moved, 0.0F);
    ProjectBackward(h, to_key, kKey, moved, 1.0F);
    ProjectBackward(h, to_value, kValue, moved, 1.0F);
    NormaliseBackward(moved, saved_.normal1, saved_.inverse1, kNorm1, gradient);
  }

 private:
  DropoutSite SiteOf(Site site) const {
    return {.site = 1 + static_cast<std::uint32_t>(block_) * kSites + site,
            .probability = plan_.dropout};
  }

  std::size_t Index(std::size_t slot) const { return block_ * kBlockSlots + slot; }

  const float* Vector(std::size_t slot) const {
    return parts_.weights[Index(slot)] + parts_.chunk.group() * width_;
  }

  float* ToVector(std::size_t slot) const {
    return parts_.to_weights[Index(slot)] + parts_.chunk.group() * width_;
  }

  MatrixView Square(std::size_t slot) const {
    const float* const first = parts_.weights[Index(slot)] + parts_.chunk.group() * width_ * width_;
    return {const_cast<float*>(first), width_, width_, width_};
  }

  MatrixView ToSquare(std::size_t slot) const {
    float* const first = parts_.to_weights[Index(slot)] + parts_.chunk.group() * width_ * width_;
    return {first, width_, width_, width_};
  }

  MatrixView Rows(const float* x) const { return {const_cast<float*>(x), rows_, width_, width_}; }

  void Normalise(const float* x, float* normal, float* inverse, BlockSlot slot, float* out) const {
    NormRows(x, rows_, width_, normal, inverse);
    ScaleShiftRows(normal, Vector(slot), Vector(slot + 1), rows_, width_, out);
  }

  /// Adds to `to_x`.
  void NormaliseBackward(const float* to_out,
                         const float* normal,
                         const float* inverse,
                         BlockSlot slot,
                         float* to_x) const {
    NormRowsBackward(to_out,
                     normal,
                     inverse,
                     Vector(slot),
                     rows_,
                     width_,
                     to_x,
                     ToVector(slot),
                     ToVector(slot + 1));
  }

  void Project(const float* x, BlockSlot slot, float* out) const {
    Multiply(Rows(x), Square(slot).T(), Rows(out));
    AddBiasRows(Vector(slot + 1), rows_, width_, out);
  }

  /// `x` went in, `to_out` came back: to_x = keep * to_x + to_out W.
  void ProjectBackward(const float* x,
                       const float* to_out,
                       BlockSlot slot,
                       float* to_x,
                       float keep) const {
    const float earlier = parts_.chunk.opens_group ? 0.0F : 1.0F;
    Multiply(Rows(to_out).T(), Rows(x), ToSquare(slot), 1.0F, earlier);
    AddColumnSums(to_out, rows_, width_, ToVector(slot + 1));
    Multiply(Rows(to_out), Square(slot), Rows(to_x), 1.0F, keep);
  }

  void Drop(Site site, float* x) const {
    if (plan_.dropout <= 0.0) {
      return;
    }
    for (const Segment& segment : parts_.chunk.segments) {
      const std::int64_t count = segment.length * width_;
      float* const mask = parts_.rooms.mask.Take(count);
      FillDropoutMask({&segment.dropout_key, 1},
                      segment.length,
                      width_,
                      SiteOf(site),
                      {mask, static_cast<std::size_t>(count)});
      ScaleInPlace(mask, count, x);
      x += count;
    }
  }

  /// One head of one sequence.
  struct Head {
    const Segment& segment;
    std::int64_t head;
    MatrixView shares;    ///< [length, length]
    std::int64_t offset;  ///< of its part in a [rows, width] matrix
    std::int64_t stride;
    std::int64_t head_width;

    /// Its [length, head width] part of a matrix.
    MatrixView Part(float* x) const { return {x + offset, segment.length, head_width, stride}; }
  };

  template <typename Work>
  void ForHeads(const Work& work) const {
    const std::int64_t head_width = width_ / plan_.heads;
    float* shares = saved_.shares;
    for (const Segment& segment : parts_.chunk.segments) {
      const std::int64_t length = segment.length;
      for (std::int64_t head = 0; head < plan_.heads; ++head, shares += length * length) {
        work(Head{.segment = segment,
                  .head = head,
                  .shares = {shares, length, length, length},
                  .offset = (segment.begin - parts_.chunk.begin()) * width_ + head * head_width,
                  .stride = width_,
                  .head_width = head_width});
      }
    }
  }

  /// The dropout mask of a head's shares; null without dropout.
  float* ShareMask(const Head& head) const {
    if (plan_.dropout <= 0.0) {
      return nullptr;
    }
    const std::int64_t length = head.segment.length;
    float* const mask = parts_.rooms.mask.Take(length * length);
    const std::uint64_t key = HeadDropoutKey(head.segment.dropout_key, head.head);
    FillDropoutMask({&key, 1},
                    length,
                    length,
                    SiteOf(kShares),
                    {mask, static_cast<std::size_t>(length * length)});
    return mask;
  }

  MatrixView Dropped(const Head& head, const float* mask) const {
    if (mask == nullptr) {
      return head.shares;
    }
    const std::int64_t count = head.shares.rows * head.shares.columns;
    MatrixView dropped = head.shares;
    dropped.data = parts_.rooms.dropped.Take(count);
    std::copy(head.shares.data, head.shares.data + count, dropped.data);
    ScaleInPlace(mask, count, dropped.data);
    return dropped;
  }

  void Attend() const {
    ForHeads([&](const Head& head) {
      Multiply(head.Part(saved_.query),
               head.Part(saved_.key).T(),
               head.shares,
               plan_.score_scale[block_]);
      SoftmaxRows(head.shares.data, head.segment.length, plan_.causal);
      Multiply(Dropped(head, ShareMask(head)), head.Part(saved_.value), head.Part(saved_.mixed));
    });
  }

  void AttendBackward(float* to_mixed, float* to_query, float* to_key, float* to_value) const {
    const float scale = plan_.score_scale[block_];
    ForHeads([&](const Head& head) {
      const std::int64_t length = head.segment.length;
      const float* const mask = ShareMask(head);
      const MatrixView to{parts_.rooms.to_shares.Take(length * length), length, length, length};
      Multiply(Dropped(head, mask).T(), head.Part(to_mixed), head.Part(to_value));
      Multiply(head.Part(to_mixed), head.Part(saved_.value).T(), to);
      if (mask != nullptr) {
        ScaleInPlace(mask, length * length, to.data);
      }
      SoftmaxRowsBackward(head.shares.data, length, plan_.causal, to.data);
      Multiply(to, head.Part(saved_.key), head.Part(to_query), scale);
      Multiply(to.T(), head.Part(saved_.query), head.Part(to_key), scale);
    });
  }

  const BlocksPlan& plan_;
  const Parts& parts_;
  std::size_t block_;
  std::int64_t rows_;
  std::int64_t width_;
  std::int64_t size_;
  Saved saved_;
};

}  // namespace

void ForwardChunk(const BlocksPlan& plan,
                  const Chunk& chunk,
                  const std::vector<const float*>& weights,
                  BlockRooms& rooms,
                  float* x) {
  const std::vector<float*> no_gradients;
  const std::size_t last = static_cast<std::size_t>(plan.blocks()) * kBlockSlots;
  float* const saved = rooms.saved.Take(SavedSize(plan, chunk));
  const BlockPass::Parts parts{plan, weights, no_gradients, chunk, rooms};
  for (std::int64_t block = 0; block < plan.blocks(); ++block) {
    BlockPass(parts, block, saved).Forward(x);
  }
  const SavedFinal final_norm(plan, chunk, saved);
  const std::int64_t shift = chunk.group() * plan.width;
  NormRows(x, chunk.rows, plan.width, final_norm.normal, final_norm.inverse);
  ScaleShiftRows(final_norm.normal,
                 weights[last] + shift,
                 weights[last + 1] + shift,
                 chunk.rows,
                 plan.width,
                 x);
}

void BackwardChunk(const BlocksPlan& plan,
                   const Chunk& chunk,
                   const std::vector<const float*>& weights,
                   const std::vector<float*>& to_weights,
                   BlockRooms& rooms,
                   float* gradient) {
  const std::size_t last = static_cast<std::size_t>(plan.blocks()) * kBlockSlots;
  const std::int64_t shift = chunk.group() * plan.width;
  const std::int64_t size = chunk.rows * plan.width;
  float* const saved = rooms.saved.Take(SavedSize(plan, chunk));
  const SavedFinal final_norm(plan, chunk, saved);
  float* const to_state = rooms.to_state.Take(size);
  std::fill(to_state, to_state + size, 0.0F);
  NormRowsBackward(gradient,
                   final_norm.normal,
                   final_norm.inverse,
                   weights[last] + shift,
                   chunk.rows,
                   plan.width,
                   to_state,
                   to_weights[last] + shift,
                   to_weights[last + 1] + shift);
  const BlockPass::Parts parts{plan, weights, to_weights, chunk, rooms};
  for (std::int64_t block = plan.blocks() - 1; block >= 0; --block) {
    BlockPass(parts, block, saved).Backward(to_state);
  }
  std::copy(to_state, to_state + size, gradient);
}

}  // namespace rondo
