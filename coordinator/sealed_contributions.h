#pragma once

#include <memory>
#include <string>

#include "common/crypto/x25519.h"
#include "coordinator/clear_session.h"

namespace rondo::coordinator {

/// Opens contributions with the aggregation key and decodes them as DecodeWireContribution: the
/// decoder of a ClearSession in trust mode "sealed". Nothing but a sealed contribution is accepted.
/// Errors  of the decoder: kUnauthenticated for what does not open, in this run, round and from
///         this client; those of DecodeWireContribution.
ContributionDecoder DecodeSealedContributions(std::shared_ptr<const X25519Key> aggregation,
                                              std::string run_id);

}  // namespace rondo::coordinator
