#pragma once

#include <cstdint>

#include "common/config/scenario.h"

namespace rondo::coordinator {

/// The server's learning rate at a step, counted from 0: `warmup` steps rise in a line to
/// `server_learning_rate`, the rest up to `rounds` fall as `schedule` says:
///
///   constant  not at all
///   linear    in a line to 0
///   cosine    as half a cosine to 0. Source  Loshchilov and Hutter 2017, equation 5, one cycle.
///
/// Void rounds are no steps, so that a run with some of them ends above 0.
double RateAt(const StrategyConfig& config, std::uint64_t step);

}  // namespace rondo::coordinator
