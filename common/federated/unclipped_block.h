#pragma once

#include <memory>
#include <string_view>

#include "common/federated/update_sum.h"

/// Adaptive clipping: how many clients' deltas were within the clip norm.
/// Source  Andrew et al. 2021, "Differentially private learning with adaptive clipping".
namespace rondo {

inline constexpr std::string_view kUnclippedBlock = "unclipped";

/// One number.
std::shared_ptr<const ParameterLayout> UnclippedLayout();

/// What a client puts into the block: a bit less a half, so that a client moves the sum by a half.
float UnclippedValue(double norm, double clip_norm);

/// Takes the block out of the sum. Errors  kFailedPrecondition without it.
Result<GridBlock> TakeUnclipped(UpdateSum& sum);

}  // namespace rondo
