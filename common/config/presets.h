#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rondo {

/// A named composition of strategy parts: keys and their TOML values, weaker than any source.
struct StrategyPreset {
  std::string name;
  std::vector<std::pair<std::string, std::string>> values;
};

/// All presets, the default first.
std::span<const StrategyPreset> StrategyPresets();
std::vector<std::string> StrategyPresetNames();

}  // namespace rondo
