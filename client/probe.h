#pragma once

#include <string>

#include "common/core/clock.h"
#include "common/core/result.h"
#include "common/transport/channel.h"

namespace rondo::client {

/// Greets the coordinator as a visitor, who takes no part and disturbs no session of this client,
/// and says goodbye: only an answer shows that this client is accepted, for in TLS 1.3 a server
/// looks at the certificate after the client's handshake is over.
/// Errors  those of the channel; what the coordinator refuses with; kCorrupt for another answer.
Task<Status> ProbeCoordinator(Channel& channel, std::string catalogue_sha256, TimePoint deadline);

}  // namespace rondo::client
