#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/config/scenario.h"

namespace rondo::sim {

/// Every key of a scenario with its value as TOML: "strategy.cohort" -> "128".
using ScenarioKeys = std::map<std::string, std::string>;

ScenarioKeys KeysOf(const Scenario& scenario);

/// The sets that make a strategy what its preset says, whatever the scenario file says of its
/// parts: its name, and every key that some preset names, with this preset's value or the built-in
/// one. Two strategies then differ by their presets alone.
/// Errors  kInvalidArgument for an unknown strategy.
Result<std::vector<std::string>> PurePreset(const std::string& strategy);

}  // namespace rondo::sim
