#include "coordinator/federation.h"

#include <utility>

#include "common/data/item_features.h"

namespace rondo::coordinator {

Status CheckTrustMode(const Scenario& scenario) {
  if (scenario.privacy.mode == "channel") {
    return Ok();
  }
  return Fail(ErrorCode::kUnsupported,
              "privacy.mode = \"" + scenario.privacy.mode
                  + "\" is not built yet for a federation; set it to \"channel\": the coordinator then sees each "
                    "client's update");
}

Result<Federation> Federation::Load(const ConfigSources& sources) {
  RONDO_TRY(Settings settings, LoadSettings(sources));
  RONDO_TRY(Scenario scenario, LoadScenario({.file = settings.scenario}));
  RONDO_TRY_STATUS(CheckTrustMode(scenario));
  scenario.checkpoint.every = 1;
  RONDO_TRY(Catalogue catalogue, Catalogue::Read(settings.catalogue));
  RONDO_TRY(const auto features, MakeItemFeatures(catalogue, scenario.model.features));
  RONDO_TRY(auto layout, ModelLayout(scenario.model, catalogue.items(), features->values()));
  return Federation{.settings = std::move(settings),
                    .scenario = std::move(scenario),
                    .catalogue = std::move(catalogue),
                    .feature_values = features->values(),
                    .layout = std::move(layout)};
}

Result<RunCheckpoints> Federation::OpenCheckpoints() const {
  return RunCheckpoints::Open({.folder = settings.state / "checkpoints",
                               .keep = scenario.checkpoint.keep,
                               .layout = layout},
                              Identity());
}

}  // namespace rondo::coordinator
