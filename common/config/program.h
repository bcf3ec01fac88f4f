#pragma once

#include <functional>
#include <string>

#include "common/core/result.h"

namespace CLI {
class App;
}  // namespace CLI

namespace rondo {

/// What a parsed sub-command does; it runs after the whole command line has been understood.
using Action = std::function<Status()>;

struct ProgramInfo {
  std::string name;
  std::string examples;  ///< the first thing --help shows
};

/// The main function that all programs share: parses, runs the chosen action, prints its error to
/// stderr and returns the exit code. Logs go to stderr, since stdout is data. Exceptions end here.
int RunProgram(int argc,
               char** argv,
               const ProgramInfo& info,
               const std::function<void(CLI::App& app, Action& action)>& add_commands);

}  // namespace rondo
