#pragma once

#include "coordinator/clear_session.h"

namespace rondo::coordinator {

/// Decodes a wire::Contribution and folds its numbers onto the grid of the round: the decoder of a
/// ClearSession with remote clients. Layouts and grids are compared before a number is folded.
/// Errors  kCorrupt for bytes that break the format, or blocks other than the offered ones;
/// kDiverged for
///         numbers that are not finite.
Result<Decoded> DecodeWireContribution(const ClientId& client,
                                       ByteView payload,
                                       const ContributionSpec& spec);

}  // namespace rondo::coordinator
