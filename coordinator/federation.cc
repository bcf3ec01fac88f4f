#include "coordinator/federation.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "common/core/file.h"
#include "common/crypto/random.h"
#include "common/data/item_features.h"
#include "common/federated/compression.h"
#include "coordinator/round_loop.h"

namespace rondo::coordinator {

namespace {

/// Errors  kUnsupported for the mode of simulations.
Status CheckTrustMode(const Scenario& scenario) {
  if (scenario.privacy.mode != "in_process") {
    return Ok();
  }
  return Fail(ErrorCode::kUnsupported,
              "privacy.mode = \"in_process\" is for simulations; a federation runs in \"channel\", "
              "\"sealed\" or \"masked\"");
}

/// A client process trains its users as one, whatever the scenario's simulation does.
Status CheckUnit(const PrivacyConfig& privacy) {
  if (privacy.unit == "client") {
    return Ok();
  }
  return Fail(ErrorCode::kUnsupported,
              "privacy.unit = \"" + privacy.unit
                  + "\" is not built yet for a federation, whose clients clip the update of all "
                    "their users as one; set it to \"client\"");
}

}  // namespace

Result<Federation> Federation::Load(const ConfigSources& sources) {
  RONDO_TRY(Settings settings, LoadSettings(sources));
  RONDO_TRY(Scenario scenario, LoadScenario({.file = settings.scenario}));
  RONDO_TRY(Catalogue catalogue, Catalogue::Read(settings.catalogue));
  return Make(std::move(settings), std::move(scenario), std::move(catalogue));
}

Result<Federation> Federation::Make(Settings settings, Scenario scenario, Catalogue catalogue) {
  RONDO_TRY_STATUS(CheckTrustMode(scenario));
  RONDO_TRY_STATUS(CheckUnit(scenario.privacy));
  scenario.checkpoint.every = 1;
  if (scenario.privacy.mode == "masked") {
    // Rounds of fewer would be void; better to wait for the clients.
    scenario.strategy.quorum = std::max(scenario.strategy.quorum, scenario.privacy.min_clients);
  }
  RONDO_TRY(const auto features, MakeItemFeatures(catalogue, scenario.model.features));
  RONDO_TRY(auto layout, ModelLayout(scenario.model, catalogue.items(), features->values()));
  RONDO_TRY_STATUS(CheckCompression(scenario.compression, SharedLayout(layout)));
  return Federation{.settings = std::move(settings),
                    .scenario = std::move(scenario),
                    .catalogue = std::move(catalogue),
                    .feature_values = features->values(),
                    .layout = std::move(layout)};
}

Status Federation::KeepRunId(RoundId done) {
  std::error_code ignored;
  if (done > 0 && std::filesystem::exists(run_id_file(), ignored)) {
    RONDO_TRY(run_id, ReadTextFile(run_id_file()));
    run_id.erase(std::find(run_id.begin(), run_id.end(), '\n'), run_id.end());
    return Ok();
  }
  run_id = fmt::format("{:016x}", SecureRandomU64());
  return WriteTextFile(run_id_file(), run_id + "\n");
}

wire::Welcome Federation::Welcome() const {
  return {.run_id = run_id,
          .name = scenario.name,
          .model = scenario.model,
          .catalogue_sha256 = catalogue.sha256(),
          .items = catalogue.items(),
          .layout_digest = layout->digest(),
          .evaluation = scenario.evaluation,
          .strategy = scenario.strategy,
          .trust_mode = scenario.privacy.mode,
          .heartbeat_s = settings.heartbeat_s,
          .rounds = static_cast<std::uint32_t>(scenario.strategy.rounds)};
}

Status Federation::CheckMessages(const Strategy& strategy) const {
  const std::string sha256(64, '0');
  wire::Welcome welcome = Welcome();
  welcome.run_id = std::string(16, '0');
  Offer train{.kind = OfferKind::kTrain, .round = 1, .model_sha256 = sha256};
  train.train = strategy.PlanTraining(1, GridSpec{});
  Offer evaluate{.kind = OfferKind::kEvaluate, .round = 1, .model_sha256 = sha256};
  evaluate.evaluate = PlanEvaluation(scenario, 1, Split::kValidation);
  for (const wire::Message& message : {wire::Message(std::move(welcome)),
                                       wire::Message(std::move(train)),
                                       wire::Message(std::move(evaluate))}) {
    if (const Status sendable = wire::CheckSendable(message); !sendable) {
      return Fail(sendable.error().code,
                  settings.scenario.string() + ": its " + wire::MessageName(message)
                      + " would be refused by every client: " + sendable.error().message);
    }
  }
  return Ok();
}

Result<RunCheckpoints> Federation::OpenCheckpoints() const {
  return RunCheckpoints::Open({.folder = settings.state / "checkpoints",
                               .keep = scenario.checkpoint.keep,
                               .layout = layout},
                              Identity());
}

}  // namespace rondo::coordinator
