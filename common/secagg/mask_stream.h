#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/core/workers.h"
#include "common/crypto/secret.h"
#include "common/secagg/vector_spec.h"

namespace rondo::secagg {

/// One mask of a whole vector: the key stream of AES-256 in counter mode.
///
/// The mask of a number are the bytes of the stream at the place that the number has in its
/// segment, as a little-endian number. The counter block is the segment's index, u64be, and the
/// block's, u64be, both from 0, so that any part of a vector can be masked by itself.
struct Mask {
  SecretBytes key;  ///< 32 bytes, used for one vector only
  bool subtract = false;
};

/// Adds or subtracts every mask, number by number mod 2^bits. Splits the vector over `workers`;
/// the bits do not depend on them. `packed` has spec.bytes().
void ApplyMasks(const VectorSpec& spec,
                std::span<std::uint8_t> packed,
                std::span<const Mask> masks,
                Workers& workers);

/// Bytes of the stream of `key` in a segment, for tests against other implementations.
SecretBytes MaskStream(ByteView key, std::uint64_t segment, std::size_t size);

}  // namespace rondo::secagg
