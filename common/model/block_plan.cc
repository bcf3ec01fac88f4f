#include "common/model/block_plan.h"

namespace rondo {
namespace {

// Rows taken through all blocks at a time: their states stay in a core's second cache.
constexpr std::int64_t kChunkRows = 256;

}  // namespace

std::vector<Chunk> MakeChunks(const BlocksPlan& plan) {
  std::vector<Chunk> chunks;
  for (const Segment& segment : plan.segments) {
    const bool opens_group = chunks.empty() || chunks.back().group() != segment.group;
    if (opens_group || chunks.back().rows + segment.length > kChunkRows) {
      chunks.push_back({.segments = std::span(&segment, 0), .opens_group = opens_group});
    }
    Chunk& chunk = chunks.back();
    chunk.segments = std::span(chunk.segments.data(), chunk.segments.size() + 1);
    chunk.rows += segment.length;
    chunk.shares += plan.heads * segment.length * segment.length;
  }
  return chunks;
}

std::int64_t BlocksPlan::Rows() const {
  return segments.empty() ? 0 : segments.back().begin + segments.back().length;
}

}  // namespace rondo
