#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <iostream>

#include "client/command.h"
#include "client/worth.h"

namespace rondo::client {
namespace {

struct EvaluateOptions {
  CommonOptions common;
  WorthOptions worth;
};

Status Evaluate(EvaluateOptions options) {
  RONDO_TRY(const Settings settings, ReadSettings(options.common));
  RONDO_TRY(const ClientState state, ClientState::Open(settings.state_folder));
  RONDO_TRY(const KeptModel model, LoadKeptModel(settings, state));
  RONDO_TRY_STATUS(PrepareDevice(settings));
  RONDO_TRY(LoadedData data, LoadData(settings.data));
  options.worth.model = TrainerOptions(model, settings);
  RONDO_TRY(const ParameterVector personal, model.Personal());
  RONDO_TRY(const WorthReport report,
            MeasureWorth(personal, data, CohortTrainer::Create, MakeModelScorer, options.worth));
  std::cout << (options.common.json ? WorthJson(report) : WorthText(report));
  return Ok();
}

}  // namespace

void AddEvaluateCommand(CLI::App& parent, Action& action) {
  const auto options = std::make_shared<EvaluateOptions>();
  CLI::App* command = parent.add_subcommand(
      "evaluate",
      "Examples:\n  rondo-client evaluate --config client.toml\n  rondo-client evaluate --json\n\n"
      "Compares, on your own users: training alone, the federated model, the federated model "
      "fine-tuned on "
      "your log, popularity and Markov-1. Nothing is sent.");
  AddCommonOptions(*command, options->common);
  command
      ->add_option(
          "--learning-rate", options->worth.training.learning_rate, "of local training (Adam)")
      ->capture_default_str();
  command->add_option("--seed", options->worth.seed, "of local training and intervals")
      ->capture_default_str();
  command->callback([options, &action] {
    action = [options] {
      return Evaluate(*options);
    };
  });
}

}  // namespace rondo::client
