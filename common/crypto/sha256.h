#pragma once

#include <string>

#include "common/core/bytes.h"

namespace rondo {

/// SHA-256 of the bytes as 64 lower-case hexadecimal digits.
/// Source  FIPS 180-4, by OpenSSL.
std::string Sha256Hex(ByteView bytes);

}  // namespace rondo
