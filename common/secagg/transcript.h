#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "common/core/bytes.h"

namespace rondo::secagg {

using Digest = std::array<std::uint8_t, 32>;

/// Bytes that can be read in one way only, to be hashed or signed.
///
/// transcript := field*   field := text | u32:u32be | u64:u64be   text := length:u32be byte[length]
///
/// The first field is a label that no other kind of transcript has.
class Transcript {
 public:
  explicit Transcript(std::string_view label) { Text(label); }

  Transcript& Text(std::string_view text) { return Data(AsBytes(text)); }

  Transcript& Data(ByteView bytes);
  Transcript& U32(std::uint32_t value);
  Transcript& U64(std::uint64_t value);

  ByteView bytes() const { return bytes_; }

  /// SHA-256 of the bytes.
  Digest Hash() const;

 private:
  Bytes bytes_;
};

}  // namespace rondo::secagg
