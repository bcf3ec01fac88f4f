#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "common/config/scenario.h"

namespace rondo::sim {

/// The flags that every command with a scenario shares.
struct ScenarioFlags {
  std::filesystem::path file;
  std::vector<std::string> sets;

  void AddTo(CLI::App& command);

  /// Layers built-in values, the file, RONDO_SECTION__KEY and --set.
  Result<Scenario> Load() const;
};

}  // namespace rondo::sim
