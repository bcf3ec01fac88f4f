#pragma once

#include <CLI/App.hpp>
#include <functional>

#include "common/config/program.h"

/// The verbs of rondo-coordinator. Each adds its flags and sets `action` if it is chosen.
namespace rondo::coordinator {

void AddInitCommand(CLI::App& app, Action& action);
void AddRunCommand(CLI::App& app, Action& action);
void AddStatusCommands(CLI::App& app, Action& action);  ///< status, clients
void AddMemberCommands(CLI::App& app, Action& action);  ///< invite, revoke
void AddRosterCommand(CLI::App& app, Action& action);   ///< roster key, export, sign, publish
void AddAuditCommand(CLI::App& app, Action& action);    ///< audit verify
void AddModelCommand(CLI::App& app, Action& action);    ///< model list, model export

}  // namespace rondo::coordinator
