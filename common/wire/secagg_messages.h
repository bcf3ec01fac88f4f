#pragma once

#include "common/core/bytes.h"
#include "common/core/result.h"
#include "common/secagg/messages.h"

/// The messages of secure aggregation as bytes, which travel in Aggregation.
namespace rondo::wire {

Bytes EncodeSecagg(const secagg::ClientMessage& message);
Bytes EncodeSecagg(const secagg::ServerMessage& message);

/// Memory is bounded by a small multiple of the size of `bytes`.
/// Errors  kCorrupt for bytes that break the format or a field's bound. Orders and signatures are
/// left to the receiver.
Result<secagg::ClientMessage> DecodeSecaggFromClient(ByteView bytes);
Result<secagg::ServerMessage> DecodeSecaggFromServer(ByteView bytes);

}  // namespace rondo::wire
