#pragma once

#include "common/config/program.h"

namespace rondo::sim {

/// `rondo-sim sweep`: tries settings of one scenario, in a grid or at random, by validation alone.
void AddSweepCommand(CLI::App& parent, Action& action);

}  // namespace rondo::sim
