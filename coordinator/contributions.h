#pragma once

#include "coordinator/clear_session.h"

namespace rondo::coordinator {

/// Turns an encoded wire::Contribution into the update of one client: compares every block with the
/// offer, then rounds float32 values to the grid. Errors  kCorrupt for broken bytes, a missing or
/// foreign block, another layout, grid or number of values,
///         or a weight above the offer's; kDiverged for values that are not finite.
Result<Decoded> DecodeClearContribution(const ClientId& client,
                                        ByteView payload,
                                        const ContributionSpec& spec);

}  // namespace rondo::coordinator
