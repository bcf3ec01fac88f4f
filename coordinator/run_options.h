#pragma once

#include "coordinator/federation.h"
#include "coordinator/membership.h"
#include "coordinator/remote_clients.h"
#include "coordinator/round_loop.h"

namespace rondo::coordinator {

/// A setting in seconds as a duration.
Duration Seconds(double seconds);

/// What a running coordinator asks of its clients' channels. `membership` outlives them.
RemoteClients::Options ClientOptions(const Federation& federation,
                                     const Strategy& strategy,
                                     const RunState& start,
                                     Membership& membership);

}  // namespace rondo::coordinator
