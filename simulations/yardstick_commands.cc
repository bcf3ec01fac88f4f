#include "simulations/yardstick_commands.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <chrono>
#include <iostream>
#include <memory>

#include "common/io/json.h"
#include "common/io/text_table.h"
#include "coordinator/run_files.h"
#include "simulations/comparison.h"
#include "simulations/experiment.h"
#include "simulations/interrupt.h"
#include "simulations/run_files.h"
#include "simulations/run_report.h"
#include "simulations/scenario_flags.h"
#include "simulations/yardsticks.h"

namespace rondo::sim {
namespace {

constexpr const char* kCentralHelp = R"(Examples:
  rondo-sim central ml-100k.toml --set data.path=DIR --learning-rate 1e-3
  rondo-sim central ml-100k.toml --set data.path=DIR --out runs/central --json

Trains the scenario's model on pooled data: what a federation is measured against.)";

constexpr const char* kLocalHelp = R"(Examples:
  rondo-sim local ml-100k-institutions.toml --set data.path=DIR --learning-rate 1e-3
  rondo-sim local ml-100k.toml --set data.path=DIR --epochs 40 --json

Trains the scenario's model on each client's own data alone.)";

/// The local optimiser is the command's own: [client] and [strategy] describe rounds.
struct YardstickFlags {
  ScenarioFlags scenario;
  std::filesystem::path out;
  int epochs = 200;
  int every = 5;
  std::string optimizer = "adam";
  double learning_rate = 1e-3;
  int batch_size = 128;
  bool json = false;
};

/// Who trains alone or on all data shares nothing, so what a federation leaves to each client is
/// trained like the rest.
Result<Scenario> ScenarioOf(const YardstickFlags& flags) {
  RONDO_TRY(Scenario scenario, flags.scenario.Load());
  scenario.model.personal.clear();
  scenario.strategy.cohort = 0;
  scenario.client.epochs = flags.epochs;
  scenario.client.steps = 0;
  scenario.client.optimizer = flags.optimizer;
  scenario.client.learning_rate = flags.learning_rate;
  scenario.client.batch_size = flags.batch_size;
  RONDO_TRY_STATUS(ValidateScenario(scenario));
  if (scenario.attack.name != "none") {
    return Fail(ErrorCode::kInvalidArgument,
                "attack.name: only clients of a federation attack; set it to \"none\"");
  }
  return scenario;
}

Result<RunDirectory> NewDirectory(const YardstickFlags& flags, const std::string& name) {
  return flags.out.empty() ? RunDirectory::Create("runs", name, std::chrono::system_clock::now())
                           : RunDirectory::CreateAt(flags.out);
}

/// The chosen epoch as the round of a run.
coordinator::RunState StateOf(const Fitted& fitted) {
  coordinator::RunState state;
  state.model = fitted.model;
  state.round = static_cast<RoundId>(fitted.trained);
  state.best_round = static_cast<RoundId>(fitted.epochs);
  state.best_ndcg = fitted.ndcg;
  state.best_model = fitted.model;
  return state;
}

struct Trained {
  std::string training;  ///< "central" or "local"
  Fitted fitted;
  Comparison comparison;
};

Status Finish(const YardstickFlags& flags,
              Experiment& experiment,
              const Trained& trained,
              double seconds) {
  RONDO_TRY(RunDirectory directory,
            NewDirectory(flags, experiment.scenario.name + "-" + trained.training));
  RONDO_TRY_STATUS(directory.WriteConfig(ScenarioToToml(experiment.scenario)));
  RONDO_TRY_STATUS(directory.WriteMeta(MetaJson(experiment)));
  RONDO_TRY_STATUS(
      directory.AppendRound({{"event", "validation"},
                             {"round", trained.fitted.epochs},
                             {"validation", {{"full/ndcg@10", trained.fitted.ndcg}}}}));
  const coordinator::RunState state = StateOf(trained.fitted);
  const Catalogue& catalogue = *experiment.data.dataset.catalogue;
  std::string sha256;
  if (trained.training == "central") {  // Clients who train alone have no model in common.
    RONDO_TRY(sha256,
              coordinator::WriteSelectedModel(
                  directory.path(),
                  coordinator::IdentityOf(
                      experiment.scenario, catalogue, experiment.model.features->values()),
                  catalogue,
                  state));
  }
  RONDO_TRY_STATUS(directory.WritePerUser(PerUserTsv(trained.comparison, experiment)));
  boost::json::object summary = SummaryJson({.experiment = experiment,
                                             .state = state,
                                             .comparison = &trained.comparison,
                                             .model_sha256 = sha256,
                                             .totals = {.seconds = seconds, .round_seconds = {}}});
  summary["training"] = trained.training;
  RONDO_TRY(const std::vector<ResultTable> tables, TestTables(trained.comparison, experiment));
  // Last, since it tells others that the run has ended.
  RONDO_TRY_STATUS(directory.WriteSummary(summary));
  if (flags.json) {
    std::cout << CompactJson(summary) << '\n';
    return Ok();
  }
  std::cout << RenderText(HeadlineOf(tables.front())) << "\nThe weights after epoch "
            << trained.fitted.epochs << " of " << trained.fitted.trained
            << " were chosen: validation NDCG@10 " << FixedText(trained.fitted.ndcg, 4)
            << ".\nRun: " << directory.path().string() << '\n';
  return Ok();
}

/// Trains and scores by `train`, which fills all but the name.
template <typename Train>
Status Run(const YardstickFlags& flags, const char* training, const Train& train) {
  const auto start = std::chrono::steady_clock::now();
  const InterruptWatcher interrupt;
  RONDO_TRY(const Scenario scenario, ScenarioOf(flags));
  RONDO_TRY(const std::unique_ptr<Experiment> experiment, PrepareExperiment(scenario));
  const EpochBudget budget{
      .most = flags.epochs, .every = flags.every, .patience = scenario.evaluation.patience};
  Trained trained{.training = training, .fitted = {}, .comparison = {}};
  RONDO_TRY_STATUS(train(*experiment, budget, interrupt.token(), trained));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return Finish(flags, *experiment, trained, seconds.count());
}

Status TrainCentral(Experiment& experiment,
                    const EpochBudget& budget,
                    const std::stop_token& stop,
                    Trained& trained) {
  RONDO_TRY(trained.fitted, FitCentral(experiment, budget, stop));
  const auto score = [](const ModelEvaluation& what) -> Result<ClientScores> {
    ClientScores scores;
    RONDO_TRY(scores.users, EvaluateModel(what));
    return scores;
  };
  RONDO_TRY(trained.comparison,
            CompareOnTest(experiment, "central model", trained.fitted.model, score, stop));
  return Ok();
}

Status TrainLocal(Experiment& experiment,
                  const EpochBudget& budget,
                  const std::stop_token& stop,
                  Trained& trained) {
  LocalModels models(experiment, stop);
  RONDO_TRY_STATUS(models.Choose(budget));
  const auto score = [&](const ModelEvaluation& what) {
    return models.Score(what);
  };
  trained.fitted = models.chosen();
  RONDO_TRY(trained.comparison,
            CompareOnTest(experiment, "local models", trained.fitted.model, score, stop));
  return Ok();
}

std::shared_ptr<YardstickFlags> AddFlags(CLI::App& command) {
  auto flags = std::make_shared<YardstickFlags>();
  flags->scenario.AddTo(command);
  command.add_option("--out", flags->out, "run directory (default: runs/<utc>-<name>)");
  command.add_option("--epochs", flags->epochs, "most passes over the data")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--every", flags->every, "epochs between validations")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--optimizer", flags->optimizer, "in place of client.optimizer")
      ->check(CLI::IsMember({"adam", "sgd"}))
      ->capture_default_str();
  command.add_option("--learning-rate", flags->learning_rate, "in place of client.learning_rate")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--batch-size", flags->batch_size, "in place of client.batch_size")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_flag("--json", flags->json, "print summary.json instead of the table");
  return flags;
}

}  // namespace

void AddYardstickCommands(CLI::App& parent, Action& action) {
  CLI::App* central = parent.add_subcommand("central", kCentralHelp);
  const auto of_central = AddFlags(*central);
  central->callback([of_central, &action] {
    action = [of_central] {
      return Run(*of_central, "central", TrainCentral);
    };
  });
  CLI::App* local = parent.add_subcommand("local", kLocalHelp);
  const auto of_local = AddFlags(*local);
  local->callback([of_local, &action] {
    action = [of_local] {
      return Run(*of_local, "local", TrainLocal);
    };
  });
}

}  // namespace rondo::sim
