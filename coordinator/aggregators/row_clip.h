#pragma once

#include <memory>

#include "coordinator/strategy.h"

namespace rondo::coordinator {

/// Scales every row of an embedding table whose L2 norm in a single update is above `most` down to
/// it, before `next` sees the update: who poisons one item's row gains no more weight in it than an
/// honest client has. Norms are those of the update, before its weight.
///
/// Source  the row-wise counterpart of norm bounding, Sun et al. 2019; that bounds of whole updates
/// do not stop poisoned items: Rong et al. 2022, section 5.
std::unique_ptr<Aggregator> NewRowClip(double most, std::unique_ptr<Aggregator> next);

}  // namespace rondo::coordinator
