#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rondo {

/// One sequence among the rows of a pass from which padding has been left out.
struct Segment {
  std::int64_t group = 0;
  std::int64_t sequence = 0;      ///< its number among the sequences of all groups
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
};

/// Neighbouring sequences of one group, taken through all blocks together.
struct Chunk {
  std::span<const Segment> segments;
  std::int64_t rows = 0;
  std::int64_t shares = 0;   ///< heads * length^2, summed over its segments
  bool opens_group = false;  ///< no other chunk of its group stands before it

  std::int64_t group() const { return segments.front().group; }

  std::int64_t begin() const { return segments.front().begin; }
};

/// Depends on a group's own sequences alone, so a client's sums do not depend on its neighbours.
std::vector<Chunk> MakeChunks(const BlocksPlan& plan);

}  // namespace rondo
