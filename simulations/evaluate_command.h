#pragma once

#include <CLI/CLI.hpp>

#include "common/config/program.h"

namespace rondo::sim {

/// `rondo-sim evaluate`: scores a checkpoint on the test split of a scenario's data.
void AddEvaluateCommand(CLI::App& parent, Action& action);

}  // namespace rondo::sim
