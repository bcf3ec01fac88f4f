#pragma once

#include <CLI/App.hpp>
#include <functional>

#include "common/config/program.h"

/// The verbs of rondo-coordinator. Each adds its flags and sets `action` if it is chosen.
namespace rondo::coordinator {

void AddInitCommand(CLI::App& app, Action& action);
void AddRunCommand(CLI::App& app, Action& action);
void AddStatusCommands(CLI::App& app, Action& action);  ///< status, clients
void AddModelCommand(CLI::App& app, Action& action);    ///< model list, model export

}  // namespace rondo::coordinator
