#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/bytes.h"
#include "common/core/ids.h"
#include "common/core/result.h"
#include "common/wire/messages.h"

namespace rondo::wire {

/// Payload bytes of one chunk.
inline constexpr std::size_t kChunkSize = std::size_t{1} << 20;

/// The frames that carry a model file of `bytes`.
std::vector<Bytes> ModelFrames(ByteView bytes, const std::string& sha256);

/// The frames that carry an encoded contribution.
std::vector<Bytes> ContributionFrames(ByteView encoded, RoundId round, OfferKind kind);

/// The largest catalogue.tsv that a newcomer accepts, in bytes.
inline constexpr std::uint64_t kCatalogueCap = std::uint64_t{1} << 30;

/// The frames that carry a catalogue.tsv.
std::vector<Bytes> CatalogueFrames(ByteView bytes);

/// Puts pieces together that must come in order and without gaps.
class ChunkAssembler {
 public:
  /// Nothing larger than `cap` bytes is accepted.
  explicit ChunkAssembler(std::uint64_t cap) : cap_(cap) {}

  /// Adds a piece. A piece at offset 0 starts anew. Returns true when the whole is there.
  /// Errors  kCorrupt for a total above the cap (nothing is allocated then), a gap, or another
  /// total;
  ///         the pieces so far are then discarded.
  Result<bool> Add(std::uint64_t total, std::uint64_t offset, ByteView bytes);

  /// The whole, once Add returned true; the assembler is then empty again.
  Bytes Take();

  ByteView view() const { return bytes_; }

  void Reset();

 private:
  std::uint64_t cap_;
  std::uint64_t total_ = 0;
  Bytes bytes_;
};

/// Puts a model file together and checks its SHA-256.
class ModelAssembler {
 public:
  explicit ModelAssembler(std::uint64_t cap) : chunks_(cap) {}

  /// Returns true when the whole model is there and its digest is right.
  /// Errors  kCorrupt as ChunkAssembler, or if the digest differs.
  Result<bool> Add(const ModelChunk& chunk);

  /// The model file, once Add returned true.
  Bytes Take() { return chunks_.Take(); }

  const std::string& sha256() const { return sha256_; }

 private:
  ChunkAssembler chunks_;
  std::string sha256_;
};

/// The largest model file of a layout with `elements` numbers: four bytes each, the same for a
/// vector beside the model, and room for the header.
std::uint64_t ModelFileCap(std::uint64_t elements);

}  // namespace rondo::wire
