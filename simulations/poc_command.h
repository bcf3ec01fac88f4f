#pragma once

#include <CLI/CLI.hpp>

#include "common/config/program.h"

namespace rondo::sim {

/// `rondo-sim poc`: the scenario as a real federation on loopback, one process a client.
void AddPocCommand(CLI::App& parent, Action& action);

}  // namespace rondo::sim
