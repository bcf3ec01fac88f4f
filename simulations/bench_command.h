#pragma once

#include <CLI/CLI.hpp>

#include "common/config/program.h"

namespace rondo::sim {

/// `rondo-sim bench`: times fixed workloads and prints one JSON object.
void AddBenchCommand(CLI::App& parent, Action& action);

}  // namespace rondo::sim
