#include <csignal>
#include <cstdlib>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <optional>
#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/object.hpp>

#include "common/core/file.h"
#include "common/core/host_port.h"
#include "common/core/memory.h"
#include "common/io/json.h"
#include "common/transport/asio_types.h"
#include "coordinator/commands.h"
#include "coordinator/federation.h"
#include "coordinator/federation_record.h"
#include "coordinator/log_fault.h"
#include "coordinator/membership.h"
#include "coordinator/round_auditor.h"
#include "coordinator/run_files.h"
#include "coordinator/run_monitor.h"
#include "coordinator/run_options.h"
#include "coordinator/server.h"
#include "coordinator/spent.h"
#include "coordinator/trust.h"

namespace rondo::coordinator {
namespace {

/// Between two looks at what other processes changed.
constexpr auto kWatchPause = std::chrono::seconds(1);
/// Between two looks at whether the run was asked to stop.
constexpr auto kStopPoll = std::chrono::milliseconds(200);

/// A connection is an open file; the usual limit of a shell is below server.connections.
void RaiseFileLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);  // A lower limit is no fault before it is reached.
  }
}

/// One `rondo-coordinator run`, from open sockets to the last message.
class Run {
 public:
  Run(const Federation& federation,
      RunCheckpoints checkpoints,
      RunState start,
      std::unique_ptr<Strategy> strategy,
      SessionFactory sessions,
      Membership& membership,
      FederationRecord& record)
      : federation_(federation),
        membership_(membership),
        checkpoints_(std::move(checkpoints)),
        start_(std::move(start)),
        strategy_(std::move(strategy)),
        sessions_(std::move(sessions)),
        clients_(io_.get_executor(), ClientOptions(federation, *strategy_, start_, membership)),
        monitor_(federation, clients_, start_.round),
        record_(record),
        auditor_(membership.audit()),
        reporters_(record.observer(), monitor_),
        observers_(reporters_, auditor_),
        signals_(io_, SIGINT, SIGTERM) {}

  Result<RunOutcome> Play() {
    RONDO_TRY_STATUS(Open());
    AwaitSignal();
    boost::asio::co_spawn(io_, WatchMembers(), LogFault);
    std::exception_ptr fault;
    boost::asio::co_spawn(io_, Main(), [&](std::exception_ptr error) {
      fault = error;
      io_.stop();
    });
    io_.run();
    Close();
    if (fault) {
      std::rethrow_exception(fault);
    }
    return std::move(*outcome_);
  }

  /// What the record needs at the end.
  FederationRecord::End End(const RunState& state, std::optional<MetricTable> test) const {
    return {.state = state,
            .test = std::move(test),
            .clients = clients_.Statuses(),
            .bytes_up = clients_.bytes_up(),
            .bytes_down = clients_.bytes_down()};
  }

  Result<std::optional<RunState>> SavedState() const { return checkpoints_.Latest(); }

 private:
  Status Open() {
    const Settings& settings = federation_.settings;
    RONDO_TRY(const TlsContext context,
              TlsContext::Create({settings.authority, settings.certificate, settings.key},
                                 TlsContext::Role::kServer,
                                 TlsContext::Purpose::kEnrolment));
    RONDO_TRY(
        auto listener,
        TlsListener::Listen(
            io_.get_executor(), context, settings.host, static_cast<std::uint16_t>(settings.port)));
    RONDO_TRY(auto status,
              StatusServer::Start(io_.get_executor(),
                                  settings.status_host,
                                  static_cast<std::uint16_t>(settings.status_port),
                                  monitor_.pages()));
    status_.emplace(std::move(status));
    server_.emplace(io_.get_executor(), std::move(listener), clients_, ServerOptions());
    server_->Start();
    const std::string pages = settings.status_host + ":" + std::to_string(status_->port());
    RONDO_TRY_STATUS(WriteTextFile(federation_.status_file(), pages + "\n"));
    const std::string address = HostPort(settings.host, server_->port());
    RONDO_TRY_STATUS(WriteTextFile(federation_.address_file(), address + "\n"));
    fmt::print(stderr,
               "{}: listening on {}, status on http://{}/status, trust mode '{}', round {} of {}\n",
               federation_.scenario.name,
               address,
               pages,
               federation_.scenario.privacy.mode,
               start_.round,
               federation_.scenario.strategy.rounds);
    if (federation_.scenario.privacy.noise_multiplier > 0.0) {
      fmt::print(stderr,
                 "noise on every sum; clients are asked for no metrics, which would be a release "
                 "without noise, and losses are not recorded\n");
    }
    return Ok();
  }

  Server::Options ServerOptions() {
    const Settings& settings = federation_.settings;
    Server::Options options{.pending_handshakes = settings.pending_handshakes,
                            .handshakes_per_address = settings.handshakes_per_address,
                            .connections = settings.connections,
                            .handshake_timeout = Seconds(settings.handshake_timeout_s),
                            .refused = [this](const std::string& address, const Error& why) {
                              membership_.Refused(address, why);
                            }};
    if (Enroller* enroller = membership_.enroller()) {
      options.enrol = [enroller](std::shared_ptr<Channel> channel, TimePoint deadline) {
        return enroller->Serve(std::move(channel), deadline);
      };
    }
    return options;
  }

  /// Ends the sessions of clients that were revoked though they send nothing, and hands out a new
  /// roster.
  Task<void> WatchMembers() {
    while (!watch_ended_) {
      watch_.expires_after(kWatchPause);
      co_await watch_.async_wait(kAwait);
      clients_.Recheck();
      if (membership_.PollRoster()) {
        clients_.SetRoster(membership_.roster());
      }
    }
  }

  /// The first signal ends the run between two steps. A second one does not wait for clients: what
  /// counts is on disk.
  void AwaitSignal() {
    signals_.async_wait([this](boost::system::error_code code, int) {
      if (code) {
        return;
      }
      if (stop_.stop_requested()) {
        std::_Exit(ExitCode(ErrorCode::kCancelled));
      }
      fmt::print(stderr, "stopping; a second signal ends the coordinator at once\n");
      stop_.request_stop();
      AwaitSignal();
    });
  }

  /// Whether clients need a roster that is not there yet: for the key that they seal to, or for
  /// those of each other.
  bool LacksRoster() const {
    const std::string& mode = federation_.scenario.privacy.mode;
    return (mode == "sealed" && !membership_.aggregation())
           || (mode == "masked" && membership_.roster().empty());
  }

  /// Without the keys that a roster vouches for, all clients would decline.
  Task<void> AwaitRoster() {
    if (LacksRoster()) {
      fmt::print(stderr,
                 "waiting for a signed roster: in trust mode '{}' clients go by the keys that it "
                 "names; export, sign and publish it with `rondo-coordinator roster`\n",
                 federation_.scenario.privacy.mode);
    }
    Timer pause(io_);
    while (LacksRoster() && !stop_.stop_requested()) {
      pause.expires_after(kStopPoll);
      co_await pause.async_wait(kAwait);
    }
  }

  Task<void> Main() {
    const auto expected = static_cast<std::size_t>(federation_.settings.expected_clients);
    const TimePoint until = clock_.Now() + Seconds(federation_.settings.expected_wait_s);
    // Fewer clients are no error: the quorum decides.
    while (!stop_.stop_requested() && clients_.Available().size() < expected
           && clock_.Now() < until) {
      const TimePoint soon = std::min(until, clock_.Now() + kStopPoll);
      const Status ignored = co_await clients_.WaitFor(expected, soon);
    }
    co_await AwaitRoster();
    const CohortSampler sampler(federation_.scenario.strategy, std::nullopt);
    RoundLoop loop(
        {.pool = clients_,
         .strategy = *strategy_,
         .checkpoints = checkpoints_,
         .clock = clock_,
         .observer = observers_,
         .sampler = sampler,
         .new_session = sessions_,
         .stop = stop_.get_token(),
         .wants_test = [this](const RunState& state) { return !record_.HasTest(state); },
         .keep_spent =
             [this](const PrivacyLedger& ledger) {
               return WriteSpent(federation_.spent_file(), ledger);
             },
         .keep_protocol =
             [this](ByteView bytes) { return WriteFileAtomic(federation_.masked_file(), bytes); },
         .keep_results = true,
         .finish_wait = Seconds(federation_.settings.finish_wait_s)},
        federation_.scenario,
        std::move(start_));
    outcome_.emplace(co_await loop.Run());
  }

  void Close() {
    watch_ended_ = true;
    watch_.cancel();
    server_->Stop();
    status_->Stop();
    clients_.Stop();
    // Sessions that just ended leave the context before it goes.
    io_.restart();
    io_.poll();
    std::error_code ignored;  // A stale address only misleads `status`, which then says so.
    std::filesystem::remove(federation_.address_file(), ignored);
    std::filesystem::remove(federation_.status_file(), ignored);
  }

  const Federation& federation_;
  Membership& membership_;
  RunCheckpoints checkpoints_;
  RunState start_;
  std::unique_ptr<Strategy> strategy_;
  SessionFactory sessions_;
  SystemClock clock_;
  std::stop_source stop_;
  boost::asio::io_context io_{1};
  RemoteClients clients_;
  RunMonitor monitor_;
  FederationRecord& record_;
  RoundAuditor auditor_;
  BothObservers reporters_;
  BothObservers observers_;
  Timer watch_{io_};
  bool watch_ended_ = false;
  boost::asio::signal_set signals_;
  std::optional<Server> server_;
  std::optional<StatusServer> status_;
  std::optional<Result<RunOutcome>> outcome_;
};

/// The run has failed already, so a report that cannot be written is only a warning.
void ReportInterruption(const Run& run, FederationRecord& record, const Error& why) {
  const auto saved = run.SavedState();
  if (!saved || !*saved) {
    return;
  }
  const RunState& state = **saved;
  const Status written = record.Interrupt(run.End(state, std::nullopt), why);
  if (!written) {
    fmt::print(stderr, "warning: no report: {}\n", written.error().message);
  }
}

void SayPrivacy(const PrivacyConfig& config, const RunOutcome& outcome) {
  if (outcome.budget_spent) {
    fmt::print(stderr,
               "stopped after round {}: one more would exceed privacy.target_epsilon = {:.4g}\n",
               outcome.state.round,
               config.target_epsilon);
  }
  if (const std::string text = PrivacyText(config, outcome.state); !text.empty()) {
    fmt::print(stderr, "differential privacy: {}\n", text);
  }
}

Status RunFederation(const std::filesystem::path& config,
                     const std::vector<std::string>& sets,
                     bool json) {
  RONDO_TRY(Federation federation,
            Federation::Load({.file = config, .environment = ConfigEnvironment(), .sets = sets}));
  RONDO_TRY(RunCheckpoints checkpoints, federation.OpenCheckpoints());
  RONDO_TRY_STATUS(checkpoints.Own());
  RONDO_TRY(auto start, checkpoints.Latest());
  if (!start) {
    return Fail(ErrorCode::kNotFound,
                federation.settings.state.string()
                    + " holds no checkpoint; make the federation with `rondo-coordinator init`");
  }
  RONDO_TRY(start->ledger, ReadSpent(federation.spent_file(), start->ledger));
  RONDO_TRY(auto strategy, Strategy::Create(federation.scenario));
  if (const int expected = federation.settings.expected_clients; expected > 0) {
    RONDO_TRY_STATUS(Strategy::CheckClients(federation.scenario.strategy,
                                            static_cast<std::size_t>(expected),
                                            "the number of expected clients is"));
  }
  RONDO_TRY_STATUS(federation.KeepRunId(start->round));
  RONDO_TRY_STATUS(federation.CheckMessages(*strategy));
  RONDO_TRY(const auto membership, Membership::Open(federation));
  RONDO_TRY(SessionFactory sessions, SessionsFor(federation, *membership));
  RONDO_TRY(FederationRecord record, FederationRecord::Open(federation, *start));
  RONDO_TRY_STATUS(membership->audit().Append("started",
                                              {{"run", federation.run_id},
                                               {"round", start->round},
                                               {"mode", federation.scenario.privacy.mode}}));
  KeepFreedMemory();
  RaiseFileLimit();
  Run run(federation,
          std::move(checkpoints),
          std::move(*start),
          std::move(strategy),
          std::move(sessions),
          *membership,
          record);
  const Result<RunOutcome> played = run.Play();
  if (!played) {
    ReportInterruption(run, record, played.error());
    return Fail(played.error());
  }
  const RunOutcome& outcome = *played;
  RONDO_TRY_STATUS(membership->audit().Append(
      "finished", {{"round", outcome.state.round}, {"selected", outcome.state.selected_round()}}));
  RONDO_TRY(const boost::json::object summary, record.Finish(run.End(outcome.state, outcome.test)));
  if (json) {
    std::cout << CompactJson(summary) << '\n';
  }
  if (outcome.finish_error) {
    fmt::print(stderr, "warning: {}\n", outcome.finish_error->message);
  }
  SayPrivacy(federation.scenario.privacy, outcome);
  fmt::print(stderr,
             "finished: round {} selected, model in {}, report in {}\n",
             outcome.state.selected_round(),
             (federation.settings.state / "model.safetensors").string(),
             (federation.settings.state / "report.html").string());
  return Ok();
}

}  // namespace

void AddRunCommand(CLI::App& app, Action& action) {
  struct Flags {
    std::filesystem::path config;
    std::vector<std::string> sets;
    bool json = false;
  };

  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand(
      "run",
      "Examples:\n  rondo-coordinator run --config federation/coordinator.toml\n\n"
      "Runs rounds from the newest checkpoint until all are done.");
  command->add_option("--config", flags->config, "coordinator.toml")->required();
  command->add_option("--set", flags->sets, "Override a key: --set server.port=7443");
  command->add_flag("--json", flags->json, "Print the summary as one JSON object");
  command->callback([flags, &action] {
    action = [flags] {
      return RunFederation(flags->config, flags->sets, flags->json);
    };
  });
}

}  // namespace rondo::coordinator
