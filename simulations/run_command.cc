#include "simulations/run_command.h"

#include <chrono>
#include <iostream>
#include <memory>
#include <optional>

#include "common/core/file.h"
#include "common/io/checkpoint.h"
#include "common/io/json.h"
#include "common/io/text_table.h"
#include "coordinator/run_checkpoints.h"
#include "coordinator/run_recorder.h"
#include "simulations/comparison.h"
#include "simulations/experiment.h"
#include "simulations/interrupt.h"
#include "simulations/rank_orders.h"
#include "simulations/run_files.h"
#include "simulations/run_progress.h"
#include "simulations/run_report.h"
#include "simulations/scenario_flags.h"
#include "simulations/simulation.h"

namespace rondo::sim {
namespace {

struct RunFlags {
  ScenarioFlags scenario;
  std::filesystem::path out;
  std::filesystem::path resume;
  bool json = false;
  bool no_test = false;
};

/// The scenario of a new run, or the resolved one of the run to go on with.
Result<Scenario> ScenarioOf(const RunFlags& flags) {
  if (flags.resume.empty()) {
    if (flags.scenario.file.empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "name a scenario file, or a run directory after --resume");
    }
    return flags.scenario.Load();
  }
  if (!flags.scenario.file.empty() || !flags.scenario.sets.empty() || !flags.out.empty()) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "--resume goes on with the run's own config.toml: leave out scenario, --set and --out");
  }
  RONDO_TRY(const RunDirectory directory, RunDirectory::Open(flags.resume));
  return LoadScenario({.file = directory.config_file()});
}

Result<RunDirectory> DirectoryOf(const RunFlags& flags, const std::string& name) {
  if (!flags.resume.empty()) {
    return RunDirectory::Open(flags.resume);
  }
  if (!flags.out.empty()) {
    return RunDirectory::CreateAt(flags.out);
  }
  return RunDirectory::Create("runs", name, std::chrono::system_clock::now());
}

/// The error, and how to go on where the state was kept.
Error WithWayOn(Error error, const RunDirectory& directory) {
  if (error.code == ErrorCode::kCancelled || error.code == ErrorCode::kIo) {
    error.message += "; go on with: rondo-sim run --resume " + directory.path().string();
  }
  return error;
}

/// A run goes on only with the data it began with; with another device or BLAS it says that the
/// bits will differ.
Status CheckSameRun(const RunDirectory& directory, const boost::json::object& meta) {
  const auto text = ReadTextFile(directory.path() / "meta.json");
  if (!text) {
    return Ok();  // A new run.
  }
  RONDO_TRY(const boost::json::value parsed, ParseJson(*text));
  const boost::json::object old = parsed.is_object() ? parsed.as_object() : boost::json::object();
  const auto same = [&](const char* key) {
    return !old.contains(key) || old.at(key) == meta.at(key);
  };
  for (const char* key : {"device", "blas"}) {
    if (!same(key)) {
      std::cerr << "warning: the run began with " << key << " "
                << boost::json::serialize(old.at(key)) << " and goes on with "
                << boost::json::serialize(meta.at(key))
                << "; its weights will differ in their last bits from an uninterrupted run\n";
    }
  }
  if (same("data_fingerprint")) {
    return Ok();
  }
  return Fail(ErrorCode::kFailedPrecondition,
              "the data are not those that the run in '" + directory.path().string()
                  + "' began with; put them back or start a new run");
}

void Say(const DataReport& report, const DeviceInfo& device) {
  for (const std::string& warning : report.warnings) {
    std::cerr << "warning: " << warning << '\n';
  }
  if (report.bad_rows > 0) {
    std::cerr << "warning: " << report.bad_rows << " of " << report.rows
              << " rows are broken and left out, such as " << report.bad_row_examples.front()
              << '\n';
  }
  if (device.slow_blas) {
    std::cerr << "warning: the reference BLAS serves sgemm, about ten times slower than OpenBLAS; "
                 "install "
                 "libopenblas0-pthread\n";
  }
}

/// What all ranks must agree on, for else they would cut other packs: the data, the scenario and
/// the kind of device. One line each, the scenario last.
std::string AgreementOf(const Experiment& experiment, const Scenario& scenario) {
  const std::string& device = experiment.device.device;
  return experiment.data.dataset.fingerprint + "\n" + device.substr(0, device.find(':')) + "\n"
         + ScenarioToToml(scenario);
}

Status CheckAgreement(const std::string& own, const std::string& first) {
  const auto cut = [](const std::string& text, int lines) {
    std::size_t end = 0;
    for (int i = 0; i < lines; ++i) {
      end = text.find('\n', end) + 1;
    }
    return text.substr(0, end);
  };
  if (own == first) {
    return Ok();
  }
  const std::string what = cut(own, 1) != cut(first, 1)   ? "the data differ"
                           : cut(own, 2) != cut(first, 2) ? "the device differs"
                                                          : "the scenario differs";
  return Fail(ErrorCode::kFailedPrecondition,
              what + " from the first rank's; give every machine the same files, environment and "
                     "kind of device (engine.device)");
}

/// The part of a rank that is not the first. The first has read scenario and data before, so that
/// what is wrong with them is said once.
Status Serve(const RunFlags& flags, MpiRanks& ranks) {
  const InterruptWatcher outlives_signals;  // The first rank decides when to stop.
  const Bytes shared = ranks.Share(Bytes());
  const std::string first(AsText(shared));
  const auto serve = [&]() -> Status {
    RONDO_TRY(const Scenario scenario, ScenarioOf(flags));
    RONDO_TRY(const std::unique_ptr<Experiment> experiment, PrepareExperiment(scenario, &ranks));
    RONDO_TRY_STATUS(CheckAgreement(AgreementOf(*experiment, scenario), first));
    return ServeOrders(*experiment, ranks);
  };
  const Status done = serve();
  if (!done) {
    Error error = done.error();
    error.message = "rank " + std::to_string(ranks.index()) + " of " + std::to_string(ranks.count())
                    + ": " + error.message;
    return Fail(std::move(error));
  }
  return Ok();
}

/// What a run prints that leaves the test split closed.
std::string WithoutTest(const coordinator::RunState& state) {
  const std::string best =
      state.ledger.releases() > 0 ? std::string("sums were noisy, so it is the newest")
      : state.best_round > 0 && !state.SelectsBest()
          ? std::string("clients have parameters of their own, so it is the newest")
      : state.best_round > 0 ? "validation NDCG@10 " + FixedText(state.best_ndcg, 4)
                             : std::string("no validation gave numbers");
  return "The model of round " + std::to_string(state.selected_round()) + " of "
         + std::to_string(state.round) + " was chosen: " + best
         + ". The test split was not opened.\n";
}

Status Run(const RunFlags& flags) {
  const auto start = std::chrono::steady_clock::now();
  RONDO_TRY(const std::unique_ptr<MpiRanks> ranks, MpiRanks::Join());
  if (ranks != nullptr && !ranks->IsFirst()) {
    return Serve(flags, *ranks);
  }
  const InterruptWatcher interrupt;
  RONDO_TRY(const Scenario scenario, ScenarioOf(flags));
  RONDO_TRY(const std::unique_ptr<Experiment> experiment, PrepareExperiment(scenario, ranks.get()));
  if (ranks != nullptr) {
    const std::string agreement = AgreementOf(*experiment, scenario);
    ranks->Share(Bytes(agreement.begin(), agreement.end()));
  }
  Say(experiment->data.report, experiment->device);
  RONDO_TRY(RunDirectory directory, DirectoryOf(flags, scenario.name));
  const Catalogue& catalogue = *experiment->data.dataset.catalogue;
  const RunIdentity identity = coordinator::IdentityOf(
      experiment->scenario, catalogue, experiment->model.features->values());
  RONDO_TRY(coordinator::RunCheckpoints checkpoints,
            coordinator::RunCheckpoints::Open({.folder = directory.checkpoints(),
                                               .keep = scenario.checkpoint.keep,
                                               .layout = experiment->layout},
                                              identity));
  RONDO_TRY_STATUS(checkpoints.Own());
  if (flags.resume.empty()) {
    RONDO_TRY_STATUS(directory.WriteConfig(ScenarioToToml(scenario)));
  }
  const boost::json::object meta = MetaJson(*experiment);
  RONDO_TRY_STATUS(CheckSameRun(directory, meta));
  RONDO_TRY_STATUS(directory.WriteMeta(meta));
  RONDO_TRY_STATUS(checkpoints.store().SaveCatalogue(catalogue.text()));
  RONDO_TRY(std::optional<coordinator::RunState> saved, checkpoints.Latest());
  coordinator::RunState state = saved ? *std::move(saved) : FreshState(*experiment);
  RONDO_TRY(ClientStore store,
            ClientStore::Open(StoreOptions(*experiment, directory.path()), state.round));
  const SystemClock clock;
  RONDO_TRY(coordinator::RunRecorder recorder,
            coordinator::RunRecorder::Open(directory, state, std::chrono::system_clock::now()));
  RunProgress progress(state.round + 1,
                       static_cast<RoundId>(scenario.strategy.rounds),
                       clock,
                       SimulatedSeconds(state));
  coordinator::BothObservers observers(recorder, progress);
  const Result<SimulationOutcome> outcome = RunSimulation({.experiment = *experiment,
                                                           .checkpoints = checkpoints,
                                                           .observer = observers,
                                                           .stop = interrupt.token(),
                                                           .ranks = ranks.get(),
                                                           .store = &store},
                                                          std::move(state));
  progress.Finish();
  if (!outcome) {
    return Fail(WithWayOn(outcome.error(), directory));
  }
  RONDO_TRY_STATUS(recorder.status());

  const coordinator::RunState& end = outcome->run.state;
  RONDO_TRY(const std::string sha256,
            coordinator::WriteSelectedModel(directory.path(), identity, catalogue, end));
  std::optional<Comparison> comparison;
  if (!flags.no_test) {
    Result<Comparison> compared =
        CompareOnTest(*experiment, end.selected_model(), &store, interrupt.token());
    if (!compared) {
      return Fail(WithWayOn(compared.error(), directory));
    }
    comparison = *std::move(compared);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const coordinator::RunTotals totals =
      recorder.TotalsWith(seconds.count(), outcome->bytes_up, outcome->bytes_down);
  const boost::json::object summary =
      SummaryJson({.experiment = *experiment,
                   .state = end,
                   .comparison = comparison ? &*comparison : nullptr,
                   .model_sha256 = sha256,
                   .totals = totals});
  if (outcome->run.budget_spent) {
    std::cerr << "stopped after round " << end.round
              << ": one more would exceed privacy.target_epsilon = "
              << FixedText(scenario.privacy.target_epsilon, 4) << '\n';
  }
  std::string text = WithoutTest(end);
  if (comparison) {
    RONDO_TRY_STATUS(directory.WritePerUser(PerUserTsv(*comparison, *experiment)));
    RONDO_TRY(text,
              WriteRunReport({.rounds = directory,
                              .report = directory.path() / "report.html",
                              .experiment = *experiment,
                              .state = end,
                              .comparison = *comparison,
                              .totals = totals}));
  }
  // Last, since it tells others that the run has ended.
  RONDO_TRY_STATUS(directory.WriteSummary(summary));
  std::cout << (flags.json ? CompactJson(summary) + "\n" : text);
  return Ok();
}

}  // namespace

void AddRunCommand(CLI::App& parent, Action& action) {
  CLI::App* command = parent.add_subcommand(
      "run",
      "Examples:\n"
      "  rondo-sim run simulations/scenarios/ml-100k.toml --set data.path=DIR\n"
      "  rondo-sim run ml-100k.toml --set seed=2 --out runs/seed-2 --json\n"
      "  rondo-sim run --resume runs/latest\n"
      "  mpirun -n 4 rondo-sim run ml-100k.toml\n\n"
      "Simulates one federation and writes its run directory.");
  auto flags = std::make_shared<RunFlags>();
  flags->scenario.AddTo(*command);
  command->get_option("scenario")->required(false);
  command->add_option("--out", flags->out, "run directory (default: runs/<utc>-<name>)");
  command->add_option("--resume", flags->resume, "go on with a run that was stopped or killed");
  command->add_flag("--json", flags->json, "print summary.json instead of the table");
  command->add_flag("--no-test", flags->no_test, "leave the test split closed: trials of settings");
  command->callback([flags, &action] {
    action = [flags] {
      return Run(*flags);
    };
  });
}

}  // namespace rondo::sim
