#pragma once

#include <array>
#include <cstddef>

#include "common/crypto/secret.h"

/// Keys from shared secrets: HMAC and HKDF with SHA-256. Source  RFC 2104, RFC 5869.
namespace rondo {

std::array<std::uint8_t, 32> HmacSha256(ByteView key, ByteView message);

/// HKDF-Extract: 32 bytes, uniform if `key_material` holds enough entropy. `salt` may be empty.
SecretBytes HkdfExtract(ByteView salt, ByteView key_material);

/// HKDF-Expand: `length` bytes, 1 to 8160, bound to `info` of at most 1024 bytes.
SecretBytes HkdfExpand(ByteView pseudo_random_key, ByteView info, std::size_t length);

}  // namespace rondo
