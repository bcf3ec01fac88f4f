#include "simulations/scenario_flags.h"

namespace rondo::sim {

void ScenarioFlags::AddTo(CLI::App& command) {
  command.add_option("scenario", file, "scenario file (TOML)")->required();
  command
      .add_option("--set", sets, "section.key=value, over file and environment; may be repeated")
      ->allow_extra_args(false);
}

Result<Scenario> ScenarioFlags::Load() const {
  return LoadScenario({.file = file, .environment = ConfigEnvironment(), .sets = sets});
}

}  // namespace rondo::sim
