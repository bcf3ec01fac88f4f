#pragma once

#include "common/config/program.h"

namespace CLI {
class App;
}  // namespace CLI

namespace rondo::sim {

/// `data import | export | stats | catalogue | partition | generate`: from any log to what a run or
/// a client reads.
void AddDataCommands(CLI::App& parent, Action& action);

}  // namespace rondo::sim
