#include "common/wire/chunks.h"

#include <algorithm>

#include "common/crypto/sha256.h"

namespace rondo::wire {
namespace {

/// Calls `make(offset, piece)` for each piece of `bytes`.
template <typename Make>
std::vector<Bytes> Pieces(ByteView bytes, Make make) {
  std::vector<Bytes> frames;
  frames.reserve(bytes.size() / kChunkSize + 1);
  for (std::size_t offset = 0; offset < bytes.size(); offset += kChunkSize) {
    const ByteView piece = bytes.subspan(offset, std::min(kChunkSize, bytes.size() - offset));
    frames.push_back(Encode(make(offset, std::string(AsText(piece)))));
  }
  return frames;
}

}  // namespace

std::vector<Bytes> ModelFrames(ByteView bytes, const std::string& sha256) {
  return Pieces(bytes, [&](std::uint64_t offset, std::string piece) {
    return ModelChunk{
        .sha256 = sha256, .total = bytes.size(), .offset = offset, .bytes = std::move(piece)};
  });
}

std::vector<Bytes> ContributionFrames(ByteView encoded, RoundId round, OfferKind kind) {
  return Pieces(encoded, [&](std::uint64_t offset, std::string piece) {
    return ContributionChunk{.round = round,
                             .kind = kind,
                             .total = encoded.size(),
                             .offset = offset,
                             .bytes = std::move(piece)};
  });
}

std::vector<Bytes> CatalogueFrames(ByteView bytes) {
  return Pieces(bytes, [&](std::uint64_t offset, std::string piece) {
    return CatalogueChunk{.total = bytes.size(), .offset = offset, .bytes = std::move(piece)};
  });
}

Result<bool> ChunkAssembler::Add(std::uint64_t total, std::uint64_t offset, ByteView bytes) {
  if (total == 0 || total > cap_) {
    Reset();
    return Fail(ErrorCode::kCorrupt,
                "chunks announce " + std::to_string(total) + " bytes, expected 1 to "
                    + std::to_string(cap_));
  }
  if (offset == 0) {
    Reset();
    total_ = total;
    bytes_.reserve(total);
  }
  if (total != total_ || offset != bytes_.size() || bytes.empty()
      || bytes.size() > total - offset) {
    Reset();
    return Fail(ErrorCode::kCorrupt,
                "a chunk at " + std::to_string(offset) + " of " + std::to_string(total)
                    + " bytes does not follow the one before");
  }
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return bytes_.size() == total_;
}

Bytes ChunkAssembler::Take() {
  Bytes whole = std::move(bytes_);
  Reset();
  return whole;
}

void ChunkAssembler::Reset() {
  bytes_ = Bytes();
  total_ = 0;
}

Result<bool> ModelAssembler::Add(const ModelChunk& chunk) {
  if (chunk.offset == 0) {
    sha256_ = chunk.sha256;
  }
  if (chunk.sha256 != sha256_) {
    chunks_.Reset();
    return Fail(ErrorCode::kCorrupt, "model chunks of two models are mixed");
  }
  RONDO_TRY(const bool whole, chunks_.Add(chunk.total, chunk.offset, AsBytes(chunk.bytes)));
  if (!whole) {
    return false;
  }
  if (const std::string got = Sha256Hex(chunks_.view()); got != sha256_) {
    chunks_.Reset();
    return Fail(ErrorCode::kCorrupt,
                "the model's SHA-256 is " + got + ", announced was " + sha256_);
  }
  return true;
}

std::uint64_t ModelFileCap(std::uint64_t elements) {
  constexpr std::uint64_t kVectors = 2;
  return kVectors * elements * 4 + (std::uint64_t{16} << 20);
}

}  // namespace rondo::wire
