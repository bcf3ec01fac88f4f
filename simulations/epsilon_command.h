#pragma once

#include "common/config/program.h"

namespace CLI {
class App;
}  // namespace CLI

namespace rondo::sim {

/// `epsilon --q Q --sigma S --rounds T --delta D --accountant rdp|pld`: what noisy rounds cost.
void AddEpsilonCommand(CLI::App& parent, Action& action);

}  // namespace rondo::sim
