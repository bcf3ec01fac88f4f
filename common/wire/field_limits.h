#pragma once

#include <cstddef>
#include <limits>
#include <span>

#include "common/core/bytes.h"
#include "common/core/result.h"

/// What a message of Protobuf may hold, checked before anything is built of it: a field of two
/// bytes can take fifty times as much in memory.
namespace rondo::wire::detail {

struct FieldLimit {
  int number = 0;
  std::size_t count = 1;  ///< how often it may stand in the message
  std::size_t bytes = std::numeric_limits<std::size_t>::max();  ///< each; of texts, bytes, messages
  std::span<const FieldLimit> inside;  ///< of a message; empty: not looked into
};

/// Errors  kCorrupt for a field that is not listed, stands too often or is too long. Bytes that are
/// no message pass as far as they can be read: parsing will find it.
Status CheckFields(const char* message, ByteView bytes, std::span<const FieldLimit> limits);

}  // namespace rondo::wire::detail
