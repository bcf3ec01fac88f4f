#pragma once

#include "common/config/program.h"

namespace rondo::sim {

/// `rondo-sim compare`: paired runs of several strategies, or finished runs, with statistics.
void AddCompareCommand(CLI::App& parent, Action& action);

}  // namespace rondo::sim
