#include "simulations/poc_command.h"

#include <chrono>
#include <iostream>
#include <memory>

#include "common/core/file.h"
#include "common/data/partition_files.h"
#include "common/io/checkpoint.h"
#include "common/io/json.h"
#include "common/io/run_directory.h"
#include "coordinator/run_checkpoints.h"
#include "simulations/comparison.h"
#include "simulations/experiment.h"
#include "simulations/federation_processes.h"
#include "simulations/interrupt.h"
#include "simulations/run_report.h"
#include "simulations/scenario_flags.h"

namespace rondo::sim {
namespace {

struct PocFlags {
  ScenarioFlags scenario;
  int clients = 0;
  std::filesystem::path out;
  int timeout_s = 3600;
};

/// One institution a client: users are dealt out unless the scenario names institutions of its own.
void UseInstitutions(Scenario& scenario, int clients) {
  scenario.data.institutions = clients;
  if (scenario.data.clients == "user") {
    scenario.data.clients = "lognormal:0.5";
  }
  scenario.strategy.cohort = 0;
  scenario.strategy.quorum = std::min(scenario.strategy.quorum, clients);
  if (scenario.privacy.mode == "in_process") {
    scenario.privacy.mode = "channel";
  }
}

Status CheckClientCount(const Experiment& experiment, int clients) {
  const std::size_t found = experiment.shards.size();
  if (found == static_cast<std::size_t>(clients)) {
    return Ok();
  }
  return Fail(ErrorCode::kInvalidArgument,
              "data.clients = \"" + experiment.scenario.data.clients + "\" gives "
                  + std::to_string(found) + " institutions, --clients asks for "
                  + std::to_string(clients)
                  + "; use that number, or --set data.clients=dirichlet:1.0");
}

/// A rehearsal never writes into an earlier one.
Status CheckUnused(const std::filesystem::path& out) {
  if (out.empty()) {
    return Ok();
  }
  for (const char* part : {"scenario.toml", "data", "federation"}) {
    std::error_code ignored;  // A folder that cannot be looked into is refused when it is written.
    if (std::filesystem::exists(out / part, ignored)) {
      return Fail(ErrorCode::kInvalidArgument,
                  "'" + (out / part).string()
                      + "' exists already; choose another --out, or remove the old federation");
    }
  }
  return Ok();
}

/// The folder to write to, made.
Result<std::filesystem::path> FolderOf(const PocFlags& flags, const std::string& name) {
  std::filesystem::path folder = flags.out;
  if (folder.empty()) {
    RONDO_TRY(const RunDirectory made,
              RunDirectory::Create("runs", name + "-poc", std::chrono::system_clock::now()));
    folder = made.path();
  }
  RONDO_TRY_STATUS(MakeFolder(folder));
  return std::filesystem::absolute(folder);
}

/// Writes the scenario, the public item list and one folder of rows a client.
Result<FederationProcesses::Options> WriteInputs(const Experiment& experiment,
                                                 const std::filesystem::path& folder) {
  FederationProcesses::Options options{.folder = folder, .scenario = folder / "scenario.toml"};
  Scenario federation = experiment.scenario;
  RONDO_TRY(const WrittenPartition partition, WritePartition(federation.data, folder / "data"));
  options.catalogue = partition.catalogue;
  federation.data.validation_from = partition.validation_from;
  federation.data.test_from = partition.test_from;
  RONDO_TRY_STATUS(WriteTextFile(options.scenario, ScenarioToToml(federation)));
  for (const ClientId& id : partition.clients) {
    const std::string name = ClientFolderName(id);
    options.clients[name] = {"--set", "data.path=" + (folder / "data" / name).string()};
  }
  return options;
}

/// The numbers of the coordinator's summary that cannot be seen from outside.
Result<coordinator::RunTotals> TotalsOf(const std::filesystem::path& state) {
  RONDO_TRY(const std::string text, ReadTextFile(state / "summary.json"));
  RONDO_TRY(const boost::json::value summary, ParseJson(text));
  try {
    return coordinator::RunTotals{
        .seconds = summary.at("seconds").to_number<double>(),
        .bytes_up = summary.at("bytes_up").to_number<std::uint64_t>(),
        .bytes_down = summary.at("bytes_down").to_number<std::uint64_t>()};
  } catch (const std::exception& error) {
    return Fail(ErrorCode::kCorrupt,
                "'" + (state / "summary.json").string() + "' is no summary: " + error.what());
  }
}

/// Compares the federation's model with the baselines, which a rehearsal can train because it holds
/// all rows. Returns what the command prints.
Result<std::string> Report(Experiment& experiment, const std::filesystem::path& folder) {
  const std::filesystem::path state_folder = folder / "federation" / "state";
  RONDO_TRY(const CheckpointStore store,
            CheckpointStore::Open({.folder = state_folder / "checkpoints"}));
  RONDO_TRY(std::optional<Checkpoint> latest, store.Latest());
  if (!latest) {
    return Fail(ErrorCode::kNotFound,
                "the coordinator left no checkpoint in '" + state_folder.string() + "'");
  }
  RONDO_TRY(const coordinator::RunState state, coordinator::RunStateOf(*std::move(latest)));
  RONDO_TRY(const Comparison comparison,
            CompareOnTest(experiment, state.selected_model(), nullptr, {}));
  RONDO_TRY(const RunDirectory rounds, RunDirectory::Open(state_folder));
  RONDO_TRY(coordinator::RunTotals totals, TotalsOf(state_folder));
  return WriteRunReport({.rounds = rounds,
                         .report = folder / "report.html",
                         .experiment = experiment,
                         .state = state,
                         .comparison = comparison,
                         .totals = std::move(totals)});
}

Status RunPoc(const PocFlags& flags) {
  const InterruptWatcher interrupt;
  RONDO_TRY_STATUS(CheckUnused(flags.out));
  RONDO_TRY(Scenario scenario, flags.scenario.Load());
  UseInstitutions(scenario, flags.clients);
  if (!scenario.model.personal.empty()) {
    return Fail(ErrorCode::kUnsupported,
                "model.personal: personal parameters stay in the clients' processes, so the report "
                "of a rehearsal cannot score them; use 'rondo-sim run', or 'rondo-client evaluate' "
                "at a client");
  }
  RONDO_TRY(const std::unique_ptr<Experiment> experiment, PrepareExperiment(scenario));
  RONDO_TRY_STATUS(CheckClientCount(*experiment, flags.clients));
  RONDO_TRY(const std::filesystem::path folder, FolderOf(flags, scenario.name));
  RONDO_TRY(FederationProcesses::Options options, WriteInputs(*experiment, folder));
  options.stop = interrupt.token();

  std::cerr << "starting a coordinator and " << flags.clients << " clients; logs in "
            << folder.string() << '\n';
  RONDO_TRY(FederationProcesses federation, FederationProcesses::Start(options));
  RONDO_TRY_STATUS(federation.Finish(std::chrono::seconds(flags.timeout_s)));
  for (const auto& [id, code] : federation.client_exit_codes()) {
    if (code != 0) {
      std::cerr << "warning: client " << id << " ended with exit code " << code << ", see "
                << (folder / ("client-" + id + ".log")).string() << '\n';
    }
  }
  RONDO_TRY(const std::string text, Report(*experiment, folder));
  std::cout << text;
  return Ok();
}

}  // namespace

void AddPocCommand(CLI::App& parent, Action& action) {
  CLI::App* command = parent.add_subcommand("poc",
                                            "Examples:\n"
                                            "  rondo-sim poc --clients 8 "
                                            "simulations/scenarios/ml-100k-institutions.toml\n\n"
                                            "Rehearses a scenario as a real federation on "
                                            "loopback: a coordinator and N client processes.");
  auto flags = std::make_shared<PocFlags>();
  flags->scenario.AddTo(*command);
  command->add_option("--clients", flags->clients, "client processes, one institution each")
      ->required()
      ->check(CLI::Range(1, 256));
  command->add_option("--out",
                      flags->out,
                      "new folder for keys, data, logs and checkpoints (default: "
                      "runs/<utc>-<name>-poc)");
  command->add_option("--timeout", flags->timeout_s, "seconds the federation may take")
      ->capture_default_str();
  command->callback([flags, &action] {
    action = [flags] {
      return RunPoc(*flags);
    };
  });
}

}  // namespace rondo::sim
