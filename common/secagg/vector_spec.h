#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/core/bytes.h"
#include "common/core/result.h"
#include "common/secagg/transcript.h"

namespace rondo::secagg {

/// Numbers of one width in a masked vector.
struct Segment {
  std::string name;
  std::uint64_t size = 0;
  int bits = 32;           ///< of the ring: 16, 24, 32 or 64
  std::uint64_t most = 0;  ///< largest magnitude of one client's number

  std::size_t width() const { return static_cast<std::size_t>(bits) / 8; }

  std::size_t bytes() const { return size * width(); }

  bool operator==(const Segment&) const = default;
};

/// What is summed under one mask: segments one after the other, each of little-endian numbers mod
/// 2^bits, in two's complement.
struct VectorSpec {
  std::vector<Segment> segments;
  std::uint32_t most_clients = 0;  ///< that may be summed

  std::size_t bytes() const;

  /// Puts every field into the transcript, since client and server must mean the same numbers.
  void AddTo(Transcript& transcript) const;

  bool operator==(const VectorSpec&) const = default;
};

/// The proof that a sum of all clients keeps its sign and size: most * clients < 2^(bits - 1) in
/// every segment. Errors  kInvalidArgument if it does not, for other widths, for no numbers and for
/// over 2^33 bytes.
Status CheckSpec(const VectorSpec& spec);

/// Appends the numbers, reduced mod 2^bits.
void Pack(std::span<const std::int64_t> numbers, int bits, Bytes& out);

/// Numbers in [0, 2^bits); those of 64 bits as they are. `packed` holds exactly `out.size()`.
void Unpack(ByteView packed, int bits, std::span<std::int64_t> out);

/// Whether every number is within its segment's bounds. Errors  kInvalidArgument for another length
/// or a number that could make the sum overflow.
Status CheckWithinBounds(const VectorSpec& spec, ByteView packed);

/// sum += packed, number by number.
void AddPacked(const VectorSpec& spec, std::span<std::uint8_t> sum, ByteView packed);

}  // namespace rondo::secagg
