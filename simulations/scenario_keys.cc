#include "simulations/scenario_keys.h"

#include <algorithm>
#include <sstream>

#include "common/config/presets.h"
#include "common/core/suggest.h"

namespace rondo::sim {

ScenarioKeys KeysOf(const Scenario& scenario) {
  ScenarioKeys keys;
  std::string section;
  std::istringstream lines(ScenarioToToml(scenario));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find(" = ");
    if (line.starts_with('[')) {
      section = line.substr(1, line.find(']') - 1) + ".";
    } else if (equals != std::string::npos) {
      keys[section + line.substr(0, equals)] = line.substr(equals + 3);
    }
  }
  return keys;
}

Result<std::vector<std::string>> PurePreset(const std::string& strategy) {
  const std::vector<std::string> names = StrategyPresetNames();
  if (std::find(names.begin(), names.end(), strategy) == names.end()) {
    return Fail(ErrorCode::kInvalidArgument,
                "there is no strategy '" + strategy + "'" + DidYouMean(strategy, names));
  }
  const ScenarioKeys built_in = KeysOf(Scenario());
  ScenarioKeys parts;
  const StrategyPreset* own = nullptr;
  for (const StrategyPreset& preset : StrategyPresets()) {
    own = preset.name == strategy ? &preset : own;
    for (const auto& [key, value] : preset.values) {
      parts[key] = built_in.at(key);
    }
  }
  for (const auto& [key, value] : own->values) {
    parts[key] = value;
  }
  std::vector<std::string> sets = {"strategy.name=" + strategy};
  for (const auto& [key, value] : parts) {
    sets.push_back(key + "=" + value);
  }
  return sets;
}

}  // namespace rondo::sim
