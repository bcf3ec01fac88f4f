#include "common/secagg/mask_stream.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>

#include <openssl/evp.h>

#include "common/core/check.h"
#include "common/secagg/ring.h"

namespace rondo::secagg {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kBlock = 16;  // of AES
/// Bytes masked at a time: sum, stream and zeros stay in the second-level cache. A whole number of
/// AES blocks and of numbers of every width.
constexpr std::size_t kPiece = 32736;
static_assert(kPiece % kBlock == 0 && kPiece % 3 == 0 && kPiece % 8 == 0);

constexpr std::array<std::uint8_t, kPiece> kZeros{};

using CipherPointer = std::unique_ptr<EVP_CIPHER, decltype(&EVP_CIPHER_free)>;
using ContextPointer = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

/// Fetching takes longer than a piece does, so it is done once.
const EVP_CIPHER* Cipher() {
  static const CipherPointer cipher(EVP_CIPHER_fetch(nullptr, "AES-256-CTR", nullptr),
                                    &EVP_CIPHER_free);
  RONDO_CHECK(cipher != nullptr) << "AES-256-CTR is always built into OpenSSL";
  return cipher.get();
}

/// Key streams, one after another; of one thread.
class StreamReader {
 public:
  StreamReader() : context_(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free), stream_(kPiece) {
    RONDO_CHECK(context_ != nullptr
                && EVP_EncryptInit_ex2(context_.get(), Cipher(), nullptr, nullptr, nullptr) == 1)
        << "a context needs a few hundred bytes";
  }

  /// `offset` is a multiple of kBlock, `size` at most kPiece. Valid until the next call.
  ByteView Read(ByteView key, std::uint64_t segment, std::size_t offset, std::size_t size) {
    RONDO_CHECK(key.size() == kKeySize && offset % kBlock == 0 && size <= kPiece)
        << "pieces are cut at blocks";
    std::array<std::uint8_t, kBlock> counter{};
    for (std::size_t i = 0; i < 8; ++i) {
      counter[7 - i] = static_cast<std::uint8_t>(segment >> (8 * i));
      counter[15 - i] = static_cast<std::uint8_t>((offset / kBlock) >> (8 * i));
    }
    int written = 0;
    RONDO_CHECK(EVP_EncryptInit_ex2(context_.get(), nullptr, key.data(), counter.data(), nullptr)
                    == 1
                && EVP_EncryptUpdate(context_.get(),
                                     stream_.bytes().data(),
                                     &written,
                                     kZeros.data(),
                                     static_cast<int>(size))
                       == 1)
        << "counter mode takes any length";
    return stream_.view().first(size);
  }

 private:
  ContextPointer context_;
  SecretBytes stream_;
};

/// A part of a packed vector.
struct Piece {
  std::uint64_t segment = 0;
  std::size_t width = 0;
  std::size_t offset = 0;  ///< in the segment, bytes
  std::size_t begin = 0;   ///< in the vector, bytes
  std::size_t size = 0;
};

std::vector<Piece> PiecesOf(const VectorSpec& spec) {
  std::vector<Piece> pieces;
  std::size_t begin = 0;
  for (std::size_t segment = 0; segment < spec.segments.size(); ++segment) {
    const std::size_t bytes = spec.segments[segment].bytes();
    for (std::size_t offset = 0; offset < bytes; offset += kPiece) {
      pieces.push_back({.segment = segment,
                        .width = spec.segments[segment].width(),
                        .offset = offset,
                        .begin = begin + offset,
                        .size = std::min(kPiece, bytes - offset)});
    }
    begin += bytes;
  }
  return pieces;
}

}  // namespace

void ApplyMasks(const VectorSpec& spec,
                std::span<std::uint8_t> packed,
                std::span<const Mask> masks,
                Workers& workers) {
  RONDO_CHECK(packed.size() == spec.bytes()) << "the caller made the vector by the spec";
  const std::vector<Piece> pieces = PiecesOf(spec);
  std::atomic<std::size_t> next = 0;
  workers.Run([&] {
    StreamReader reader;
    for (std::size_t i = next++; i < pieces.size(); i = next++) {
      const Piece& piece = pieces[i];
      const std::span<std::uint8_t> part = packed.subspan(piece.begin, piece.size);
      for (const Mask& mask : masks) {
        const ByteView stream =
            reader.Read(mask.key.view(), piece.segment, piece.offset, piece.size);
        if (mask.subtract) {
          ring::Subtract(part, stream, piece.width);
        } else {
          ring::Add(part, stream, piece.width);
        }
      }
    }
  });
}

SecretBytes MaskStream(ByteView key, std::uint64_t segment, std::size_t size) {
  SecretBytes stream(size);
  StreamReader reader;
  for (std::size_t offset = 0; offset < size; offset += kPiece) {
    const ByteView part = reader.Read(key, segment, offset, std::min(kPiece, size - offset));
    std::copy(
        part.begin(), part.end(), stream.bytes().begin() + static_cast<std::ptrdiff_t>(offset));
  }
  return stream;
}

}  // namespace rondo::secagg
