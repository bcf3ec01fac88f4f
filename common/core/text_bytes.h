#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/core/bytes.h"

/// Bytes as text that survives mail, terminals and file names.
namespace rondo {

/// Lower-case hexadecimal, as ToHex writes it; nothing for any other text.
std::optional<Bytes> FromHex(std::string_view text);

/// RFC 4648 section 5, without padding.
std::string ToBase64Url(ByteView bytes);

/// Nothing for text that ToBase64Url does not write: other characters, padding, or bits left over.
std::optional<Bytes> FromBase64Url(std::string_view text);

}  // namespace rondo
