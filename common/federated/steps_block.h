#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "common/federated/update_sum.h"

/// How many local steps clients took, summed beside their deltas.
namespace rondo {

inline constexpr std::string_view kStepsBlock = "steps";

/// The block counts in units of so many steps, and at most one unit, so that it fits every grid.
inline constexpr double kStepsUnit = 1024.0;

/// One number.
std::shared_ptr<const ParameterLayout> StepsLayout();

/// What a client with `steps` local steps puts into the block, before its weight.
float StepsValue(std::uint64_t steps);

/// Appends the block of one client, or of clients with equal steps and `weight` in all.
/// `rng` is needed on the ring only. Errors  those of FoldDense.
Status AddStepsBlock(UpdateSum& sum,
                     const GridSpec& grid,
                     std::uint64_t steps,
                     std::uint64_t weight,
                     Rng* rng);

/// Takes the block out of the sum. Returns weighted steps: divided by the sum's weight, their mean.
/// Errors  kFailedPrecondition without the block.
Result<double> TakeSteps(UpdateSum& sum);

}  // namespace rondo
