#pragma once

#include <cstdint>

#include "coordinator/clear_session.h"
#include "coordinator/federation.h"

/// What a running coordinator does otherwise from one trust mode to the next.
namespace rondo::coordinator {

/// The sessions of the rounds; the run has its name.
/// Errors  kInvalidArgument if a key that the mode needs is not set; those of its file.
Result<SessionFactory> SessionsFor(const Federation& federation);

/// The largest upload of a client, in bytes.
std::uint64_t UploadCap(const Federation& federation, const Strategy& strategy);

}  // namespace rondo::coordinator
