#pragma once

#include <CLI/CLI.hpp>

#include "common/config/program.h"

namespace rondo::sim {

/// `rondo-sim run`: simulates one federation and writes its run directory.
void AddRunCommand(CLI::App& parent, Action& action);

}  // namespace rondo::sim
