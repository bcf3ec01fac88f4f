#include "simulations/federation_processes.h"

#include <algorithm>
#include <csignal>

#include "common/core/file.h"

namespace rondo::sim {
namespace {

using std::chrono::seconds;

/// How often a wait looks whether it was asked to stop.
constexpr std::chrono::milliseconds kLook{50};

/// The last lines of a log, for an error message.
std::string TailOf(const std::filesystem::path& log) {
  constexpr std::size_t kTail = 1000;
  const Result<std::string> text = ReadTextFile(log);
  if (!text) {
    return "(no log)";
  }
  return text->size() > kTail ? text->substr(text->size() - kTail) : *text;
}

/// An error that ends this program as the child ended; killed by a signal is a failed run.
ErrorCode CodeOfExit(int code) {
  for (const ErrorCode error : {ErrorCode::kUnavailable,
                                ErrorCode::kTimeout,
                                ErrorCode::kInvalidArgument,
                                ErrorCode::kInternal,
                                ErrorCode::kCancelled}) {
    if (ExitCode(error) == code) {
      return error;
    }
  }
  return ErrorCode::kFailedPrecondition;
}

Status RunToEnd(const std::vector<std::string>& command, const std::filesystem::path& log) {
  RONDO_TRY(ChildProcess child, ChildProcess::Start(command, log));
  const std::string name = "'" + command[0] + " " + command[1] + "'";
  const std::optional<int> code = child.Wait(TimePoint::clock::now() + seconds(60));
  if (!code) {
    return Fail(ErrorCode::kTimeout, name + " still ran after 60 s: " + TailOf(log));
  }
  if (*code != 0) {
    return Fail(CodeOfExit(*code), name + " failed: " + TailOf(log));
  }
  return Ok();
}

}  // namespace

Result<std::filesystem::path> ProgramFolder() {
  std::error_code code;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", code);
  if (code) {
    return Fail(ErrorCode::kIo, "cannot find the folder of this program: " + code.message());
  }
  return self.parent_path();
}

Result<FederationProcesses> FederationProcesses::Start(const Options& options) {
  RONDO_TRY(const auto programs, ProgramFolder());
  RONDO_TRY_STATUS(MakeFolder(options.folder));
  FederationProcesses federation;
  federation.folder_ = std::filesystem::absolute(options.folder);
  federation.stop_ = options.stop;
  std::vector<std::string> init = {(programs / "rondo-coordinator").string(),
                                   "init",
                                   "--scenario",
                                   options.scenario.string(),
                                   "--catalogue",
                                   options.catalogue.string(),
                                   "--host",
                                   "127.0.0.1",
                                   "--port",
                                   "0",
                                   "--out",
                                   (federation.folder_ / "federation").string()};
  for (const auto& [id, arguments] : options.clients) {
    init.insert(init.end(), {"--client", id});
  }
  RONDO_TRY_STATUS(RunToEnd(init, federation.folder_ / "init.log"));
  RONDO_TRY_STATUS(federation.StartCoordinator(programs));
  RONDO_TRY(const std::string port, federation.Port());
  RONDO_TRY_STATUS(federation.StartClients(options, programs, port));
  return federation;
}

FederationProcesses::~FederationProcesses() {
  for (const ChildProcess& child : coordinator_) {
    child.Signal(SIGTERM);
  }
  for (const auto& [id, client] : clients_) {
    client.Signal(SIGTERM);
  }
  const TimePoint leave = TimePoint::clock::now() + seconds(5);
  for (ChildProcess& child : coordinator_) {
    child.Wait(leave);
  }
  for (auto& [id, client] : clients_) {
    client.Wait(leave);
  }
}

Status FederationProcesses::Stopped() const {
  return Fail(ErrorCode::kCancelled,
              "the federation was stopped before its end; logs are in '" + folder_.string() + "'");
}

Status FederationProcesses::StartCoordinator(const std::filesystem::path& programs) {
  const std::vector<std::string> command = {(programs / "rondo-coordinator").string(),
                                            "run",
                                            "--config",
                                            (folder_ / "federation" / "coordinator.toml").string(),
                                            "--json"};
  RONDO_TRY(ChildProcess child, ChildProcess::Start(command, folder_ / "coordinator.log"));
  coordinator_.push_back(std::move(child));
  return Ok();
}

Result<std::string> FederationProcesses::Port() {
  const auto file = folder_ / "federation" / "state" / "address";
  const TimePoint deadline = TimePoint::clock::now() + seconds(20);
  while (TimePoint::clock::now() < deadline) {
    if (stop_.stop_requested()) {
      RONDO_TRY_STATUS(Stopped());
    }
    const Result<std::string> address = ReadTextFile(file);
    if (address && !address->empty()) {
      const std::size_t colon = address->rfind(':');
      const std::string port = address->substr(colon == std::string::npos ? 0 : colon + 1);
      return port.substr(0, port.find_last_not_of(" \n") + 1);
    }
    const auto ended = coordinator().Wait(TimePoint::clock::now() + std::chrono::milliseconds(10));
    if (ended) {
      return Fail(CodeOfExit(*ended),
                  "the coordinator did not start: " + TailOf(folder_ / "coordinator.log"));
    }
  }
  return Fail(ErrorCode::kTimeout, "the coordinator did not open a port within 20 s");
}

Status FederationProcesses::StartClients(const Options& options,
                                         const std::filesystem::path& programs,
                                         const std::string& port) {
  for (const auto& [id, arguments] : options.clients) {
    std::vector<std::string> command = options.client_command;
    if (command.empty()) {
      command = {(programs / "rondo-client").string(), "run"};
    }
    command.insert(command.end(),
                   {"--config",
                    (folder_ / "federation" / "clients" / id / "client.toml").string(),
                    "--set",
                    "coordinator.port=" + port});
    command.insert(command.end(), arguments.begin(), arguments.end());
    RONDO_TRY(ChildProcess child,
              ChildProcess::Start(command, folder_ / ("client-" + id + ".log")));
    clients_.emplace(id, std::move(child));
  }
  return Ok();
}

/// Without clients the coordinator would wait for them until its time is up.
Status FederationProcesses::SomeClientLeft() {
  int code = 0;
  ClientId last;
  for (auto& [id, client] : clients_) {
    const std::optional<int> ended = client.Wait(TimePoint::clock::now());
    if (!ended || *ended == 0) {
      return Ok();
    }
    code = *ended;
    last = id;
  }
  return Fail(CodeOfExit(code),
              "no client is left; client " + last + " ended with exit code " + std::to_string(code)
                  + ": " + TailOf(folder_ / ("client-" + last + ".log")));
}

Status FederationProcesses::Finish(seconds timeout) {
  const TimePoint deadline = TimePoint::clock::now() + timeout;
  std::optional<int> code;
  while (!code && !stop_.stop_requested() && TimePoint::clock::now() < deadline) {
    code = coordinator().Wait(std::min(deadline, TimePoint::clock::now() + kLook));
    if (!code) {
      RONDO_TRY_STATUS(SomeClientLeft());
    }
  }
  if (stop_.stop_requested()) {
    return Stopped();
  }
  const TimePoint leave = TimePoint::clock::now() + seconds(10);
  for (auto& [id, client] : clients_) {
    client_exit_codes_[id] = client.Wait(code == 0 ? leave : TimePoint::clock::now()).value_or(-1);
  }
  if (!code) {
    return Fail(ErrorCode::kTimeout,
                "the coordinator still ran after " + std::to_string(timeout.count()) + " s");
  }
  if (*code != 0) {
    return Fail(CodeOfExit(*code),
                "the coordinator ended with exit code " + std::to_string(*code) + ": "
                    + TailOf(folder_ / "coordinator.log"));
  }
  return Ok();
}

}  // namespace rondo::sim
