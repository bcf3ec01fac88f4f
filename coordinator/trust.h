#pragma once

#include <cstdint>

#include "coordinator/clear_session.h"
#include "coordinator/federation.h"
#include "coordinator/membership.h"

/// What a running coordinator does otherwise from one trust mode to the next.
namespace rondo::coordinator {

/// The sessions of the rounds; the run has its name. `membership` outlives them.
/// Errors  kInvalidArgument if a key that the mode needs is not set; those of its file; kIo,
/// kCorrupt of what secure aggregation keeps on disk.
Result<SessionFactory> SessionsFor(const Federation& federation, const Membership& membership);

/// The largest upload of a client, in bytes.
std::uint64_t UploadCap(const Federation& federation, const Strategy& strategy);

}  // namespace rondo::coordinator
