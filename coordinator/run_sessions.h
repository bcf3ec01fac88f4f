#pragma once

#include "coordinator/clear_session.h"
#include "coordinator/federation.h"
#include "coordinator/membership.h"

namespace rondo::coordinator {

/// How the updates of a federation are aggregated in its trust mode. `membership` outlives the
/// factory. Errors  kIo, kCorrupt of what secure aggregation keeps on disk.
Result<SessionFactory> SessionsOf(const Federation& federation, const Membership& membership);

}  // namespace rondo::coordinator
