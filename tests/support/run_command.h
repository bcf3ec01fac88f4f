#pragma once

#include <array>
#include <cstdio>
#include <string>

namespace rondo::testing {

struct CommandOutcome {
  int exit_status = -1;
  std::string output;  ///< stdout
};

/// Runs a shell command to its end.
inline CommandOutcome RunCommand(const std::string& command) {
  CommandOutcome outcome;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) {
    return outcome;
  }
  std::array<char, 4096> buffer{};
  for (std::size_t got = 1; got > 0;) {
    got = ::fread(buffer.data(), 1, buffer.size(), pipe);
    outcome.output.append(buffer.data(), got);
  }
  const int status = ::pclose(pipe);
  outcome.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

}  // namespace rondo::testing
