#include "simulations/evaluate_command.h"

#include <iostream>
#include <memory>

#include "common/io/checkpoint.h"
#include "simulations/comparison.h"
#include "simulations/experiment.h"
#include "simulations/scenario_flags.h"

namespace rondo::sim {
namespace {

struct EvaluateFlags {
  ScenarioFlags scenario;
  std::filesystem::path model;
  bool json = false;
};

Status CheckCatalogue(const Checkpoint& checkpoint, const Catalogue& catalogue) {
  if (checkpoint.run.catalogue_sha256 == catalogue.sha256()) {
    return Ok();
  }
  return Fail(ErrorCode::kFailedPrecondition,
              "the model was trained on catalogue " + checkpoint.run.catalogue_sha256.substr(0, 12)
                  + ", the data have " + catalogue.sha256().substr(0, 12)
                  + "; set data.catalogue to the catalogue.tsv beside the checkpoint");
}

Status RunEvaluate(const EvaluateFlags& flags) {
  RONDO_TRY(const Checkpoint checkpoint, ReadCheckpoint(flags.model));
  RONDO_TRY(Scenario scenario, flags.scenario.Load());
  scenario.model = checkpoint.run.model;
  scenario.evaluation.baselines.clear();
  scenario.strategy.cohort = 0;
  RONDO_TRY(const std::unique_ptr<Experiment> experiment, PrepareExperiment(scenario));
  RONDO_TRY_STATUS(CheckCatalogue(checkpoint, *experiment->data.dataset.catalogue));
  const ClientStore::Options kept = StoreOptions(*experiment, flags.model.parent_path());
  if (PersonalLayout(*experiment->layout) != nullptr && !std::filesystem::exists(kept.folder)) {
    return Fail(ErrorCode::kNotFound,
                "the model has personal parameters, but '" + kept.folder.string()
                    + "' is missing; name the model in its run's folder");
  }
  RONDO_TRY(ClientStore store, ClientStore::OpenToRead(kept, checkpoint.round));
  RONDO_TRY(const Comparison comparison, CompareOnTest(*experiment, checkpoint.model, &store, {}));
  const boost::json::object json = MetricsJson(comparison.methods.front());
  if (flags.json) {
    std::cout << boost::json::serialize(json) << '\n';
    return Ok();
  }
  for (const auto& [protocol, values] : json) {
    std::cout << protocol << '\n';
    for (const auto& [name, value] : values.as_object()) {
      std::cout << "  " << name << " " << boost::json::serialize(value) << '\n';
    }
  }
  return Ok();
}

}  // namespace

void AddEvaluateCommand(CLI::App& parent, Action& action) {
  CLI::App* command = parent.add_subcommand(
      "evaluate",
      "Examples:\n"
      "  rondo-sim evaluate --model runs/latest/model.safetensors runs/latest/config.toml\n"
      "  rondo-sim evaluate --model model.safetensors ml-100k.toml --set data.path=DIR --json\n\n"
      "Scores a checkpoint on the test split.");
  auto flags = std::make_shared<EvaluateFlags>();
  command->add_option("--model", flags->model, "checkpoint (.safetensors)")->required();
  flags->scenario.AddTo(*command);
  command->add_flag("--json", flags->json, "print one JSON object");
  command->callback([flags, &action] {
    action = [flags] {
      return RunEvaluate(*flags);
    };
  });
}

}  // namespace rondo::sim
