#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <optional>
#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/thread_pool.hpp>

#include "client/agent.h"
#include "client/command.h"
#include "client/dry_run.h"
#include "client/renewal.h"
#include "common/core/folder_lock.h"
#include "common/crypto/random.h"
#include "common/federated/control_variates.h"
#include "common/federated/train_task.h"

namespace rondo::client {
namespace {

struct RunOptions {
  CommonOptions common;
  bool dry_run = false;
  std::filesystem::path scenario;
};

Duration ToDuration(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

/// Shows what the log holds before anybody waits for it.
Status ReportData(DataSource& data) {
  RONDO_TRY(const auto loaded, data.Current());
  const DataReport& report = loaded->report;
  spdlog::info("log: {} rows of {} users; {} rows with unknown items, {} broken rows",
               report.rows,
               loaded->dataset.users.size(),
               report.unknown_items,
               report.bad_rows);
  for (const std::string& warning : report.warnings) {
    spdlog::warn("log: {}", warning);
  }
  return Ok();
}

LocalWork MakeWork(ClientId id,
                   DataSource& data,
                   const Catalogue& catalogue,
                   const Settings& settings) {
  return LocalWork({.id = std::move(id),
                    .data = data,
                    .catalogue_sha256 = catalogue.sha256(),
                    .trainers = CohortTrainer::Create,
                    .scorers = MakeModelScorer,
                    .engine = settings.engine});
}

// -- taking part
// ----------------------------------------------------------------------------------------

/// Connects with the certificate that lies in its file now: it is renewed while the agent runs.
Task<Result<std::shared_ptr<Channel>>> Connect(boost::asio::any_io_executor executor,
                                               const Settings& settings,
                                               TimePoint deadline) {
  const IdentityPaths& paths = settings.identity;
  const TlsFiles files{.authority = paths.ca, .certificate = paths.certificate, .key = paths.key};
  RONDO_CO_TRY(const TlsContext tls, TlsContext::Create(files, TlsContext::Role::kClient));
  const TlsAddress address{.host = settings.coordinator.host,
                           .port = static_cast<std::uint16_t>(settings.coordinator.port)};
  auto channel = co_await ConnectTls(executor, tls, address, deadline);
  co_return channel;
}

/// Runs the agent until it ends or a signal stops it; a second signal does not wait for the
/// goodbye.
Status RunAgent(boost::asio::io_context& io, Agent& agent, Renewal& renewal) {
  std::optional<Status> outcome;
  std::exception_ptr fault;
  boost::asio::signal_set signals(io, SIGINT, SIGTERM);
  int received = 0;
  std::function<void(const boost::system::error_code&, int)> on_signal =
      [&](const boost::system::error_code& error, int) {
        if (error) {
          return;
        }
        if (++received > 1) {
          std::_Exit(
              ExitCode(ErrorCode::kCancelled));  // The owner insists: nothing is worth waiting for.
        }
        spdlog::info("stopping");
        agent.Stop();
        signals.async_wait(on_signal);
      };
  signals.async_wait(on_signal);
  boost::asio::co_spawn(io, renewal.Run(), [](std::exception_ptr thrown) {
    if (thrown) {
      std::rethrow_exception(thrown);
    }
  });
  boost::asio::co_spawn(
      io, agent.Run(), [&](std::exception_ptr thrown, std::optional<Status> status) {
        fault = thrown;
        outcome = std::move(status);
        signals.cancel();
        renewal.Stop();
      });
  io.run();
  if (fault) {
    std::rethrow_exception(fault);
  }
  return std::move(*outcome);
}

Status TakePart(const RunOptions& options, const Settings& settings) {
  RONDO_TRY(const IdentityReport identity, InspectIdentity(settings.identity));
  if (!identity.key_is_private) {
    return Fail(ErrorCode::kInvalidArgument,
                settings.identity.key.string() + " can be read by others on this machine; run "
                    + KeyFix(settings.identity));
  }
  RONDO_TRY(const Catalogue catalogue, Catalogue::Read(settings.data.catalogue));
  RONDO_TRY(ClientState state, ClientState::Open(settings.state_folder));
  RONDO_TRY(const FolderLock lock, FolderLock::Take(settings.state_folder));
  RONDO_TRY(Papers::Own own, Papers::ReadOwn(settings.identity, settings.governance));
  RONDO_TRY(Papers papers, Papers::Open(std::move(own), settings.state_folder));
  FileDataSource data(settings.data);
  RONDO_TRY_STATUS(ReportData(data));
  LocalWork work = MakeWork(identity.id, data, catalogue, settings);
  boost::asio::io_context io(1);
  boost::asio::thread_pool workers(1);
  const SystemClock clock;
  const auto executor = io.get_executor();
  Agent agent({.connect = [&](TimePoint deadline) { return Connect(executor, settings, deadline); },
               .work = work,
               .state = state,
               .papers = papers,
               .catalogue = catalogue,
               .limits = settings.limits,
               .clock = clock,
               .executor = executor,
               .workers = workers.get_executor(),
               .backoff = Backoff(std::chrono::milliseconds(250),
                                  std::chrono::seconds(30),
                                  Rng({.seed = SecureRandomU64(), .purpose = Purpose::kBackoff})),
               .connect_timeout = ToDuration(settings.coordinator.connect_timeout_s),
               .retry_for = ToDuration(settings.coordinator.retry_for_s)});
  Renewal renewal(executor, settings);
  RONDO_TRY_STATUS(RunAgent(io, agent, renewal));
  if (options.common.json) {
    std::cout << RecordJson(state.record()) << '\n';
  }
  return Ok();
}

// -- dry run
// --------------------------------------------------------------------------------------------

/// The kept model; before the first round, the initial model of the scenario.
Result<KeptModel> ModelToTry(const Settings& settings,
                             const ClientState& state,
                             const Scenario& scenario) {
  if (!state.record().model_sha256.empty()) {
    return LoadKeptModel(settings, state);
  }
  KeptModel initial{.config = scenario.model};
  RONDO_TRY(Catalogue catalogue, Catalogue::Read(settings.data.catalogue));
  initial.catalogue = std::make_shared<const Catalogue>(std::move(catalogue));
  RONDO_TRY(initial.features, MakeItemFeatures(*initial.catalogue, initial.config.features));
  RONDO_TRY(auto layout,
            ModelLayout(initial.config, initial.catalogue->items(), initial.features->values()));
  initial.weights.model = InitialParameters(std::move(layout), scenario.seed);
  return initial;
}

/// The coordinator makes the grid for the clients of a round; the size of an update does not depend
/// on how many those are.
Result<GridSpec> GridToTry(const Scenario& scenario) {
  const StrategyConfig& strategy = scenario.strategy;
  const std::uint64_t max_weight = strategy.weighting == "uniform" ? 1 : strategy.max_weight;
  const int clients = std::max({strategy.cohort, strategy.quorum, 1});
  return MakeGrid(scenario.privacy, max_weight, static_cast<std::uint64_t>(clients));
}

Result<TrainTask> TaskToTry(const Scenario& scenario) {
  RONDO_TRY(TrainTask task, TrainTaskOf(scenario));
  task.round = 1;
  RONDO_TRY(task.grid, GridToTry(scenario));
  return task;
}

Status TryOneRound(const RunOptions& options, const Settings& settings) {
  if (options.scenario.empty()) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "--dry-run needs --scenario FILE, the operator's scenario.toml: it says how a round "
        "is trained");
  }
  RONDO_TRY(const ClientState state, ClientState::Open(settings.state_folder));
  RONDO_TRY(const Scenario scenario, LoadScenario({.file = options.scenario}));
  RONDO_TRY(KeptModel model, ModelToTry(settings, state, scenario));
  RONDO_TRY(ClientId id, OwnId(settings));
  FileDataSource data(settings.data);
  RONDO_TRY_STATUS(ReportData(data));
  LocalWork work = MakeWork(std::move(id), data, *model.catalogue, settings);
  work.Configure(model.config, model.catalogue->items(), model.features);
  RONDO_TRY(const TrainTask task, TaskToTry(scenario));
  RONDO_TRY(const Workload workload, work.Look());
  if (const auto refusal = RefusalToTrain(task, workload, state.record(), settings.limits)) {
    return Fail(ErrorCode::kFailedPrecondition,
                "this client would decline the round: " + refusal->for_owner);
  }
  if (task.control_variates && FindVector(model.weights.extra, kControlVector) == nullptr) {
    // What the coordinator sends with the first model.
    ParameterVector zeros = model.weights.model;
    std::fill(zeros.values.begin(), zeros.values.end(), 0.0F);
    SetVector(model.weights.extra, kControlVector, std::move(zeros));
  }
  RONDO_TRY(const DryRunReport report, DryRun(work, model.weights, task, model.own));
  // `rondo-coordinator init` makes a federation of a simulation's scenario in the same way.
  const std::string mode =
      scenario.privacy.mode == "in_process" ? "channel" : scenario.privacy.mode;
  std::cout << (options.common.json ? DryRunJson(report, mode) : DryRunText(report, mode));
  return Ok();
}

Status Run(const RunOptions& options) {
  RONDO_TRY(const Settings settings, ReadSettings(options.common));
  RONDO_TRY_STATUS(PrepareDevice(settings));
  return options.dry_run ? TryOneRound(options, settings) : TakePart(options, settings);
}

}  // namespace

void AddRunCommand(CLI::App& parent, Action& action) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App* command = parent.add_subcommand(
      "run",
      "Examples:\n  rondo-client run --config client.toml\n  rondo-client run --config client.toml "
      "--dry-run --scenario scenario.toml\n\n"
      "Takes part in the federation until it is finished; the final model is kept.");
  AddCommonOptions(*command, options->common);
  command->add_flag("--dry-run",
                    options->dry_run,
                    "train one round here and show what would be sent; nothing is sent");
  command->add_option(
      "--scenario",
      options->scenario,
      "for --dry-run: the operator's scenario.toml, for the model and its training");
  command->callback([options, &action] {
    action = [options] {
      return Run(*options);
    };
  });
}

}  // namespace rondo::client
