#pragma once

#include <CLI/App.hpp>

#include "common/config/program.h"

namespace rondo::sim {

/// `rondo-sim central` and `rondo-sim local`.
void AddYardstickCommands(CLI::App& parent, Action& action);

}  // namespace rondo::sim
