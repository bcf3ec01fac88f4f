#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "common/core/ids.h"
#include "common/core/result.h"
#include "simulations/process.h"

namespace rondo::sim {

/// The folder of the running program, where the other two programs lie.
Result<std::filesystem::path> ProgramFolder();

/// A coordinator and its clients as processes on loopback, with logs in one folder. On destruction
/// those that still run are asked to end, and killed if they do not within seconds.
class FederationProcesses {
 public:
  struct Options {
    std::filesystem::path folder;     ///< receives keys, state and logs
    std::filesystem::path scenario;   ///< scenario file
    std::filesystem::path catalogue;  ///< catalogue.tsv
    std::map<ClientId, std::vector<std::string>>
        clients;                              ///< id -> command line after `--config FILE`
    std::vector<std::string> client_command;  ///< program and verb; empty: rondo-client run
    std::stop_token stop;                     ///< ends the waits of Start and Finish
  };

  FederationProcesses(FederationProcesses&&) = default;
  FederationProcesses& operator=(FederationProcesses&&) = delete;
  FederationProcesses(const FederationProcesses&) = delete;
  FederationProcesses& operator=(const FederationProcesses&) = delete;
  ~FederationProcesses();

  /// Runs `rondo-coordinator init`, starts the coordinator on a free port and then every client.
  /// Errors  those of the programs, with the end of their log; kCancelled.
  static Result<FederationProcesses> Start(const Options& options);

  /// Waits for the coordinator to end its run, then gives the clients a moment to leave.
  /// Errors  that of the coordinator, or of the last client that failed where all did, with the end
  /// of its log; kTimeout; kCancelled.
  Status Finish(std::chrono::seconds timeout);

  ChildProcess& coordinator() { return coordinator_.front(); }

  std::map<ClientId, ChildProcess>& clients() { return clients_; }

  const std::filesystem::path& folder() const { return folder_; }

  /// Exit codes of the clients after Finish; -1 for one that had to be stopped.
  const std::map<ClientId, int>& client_exit_codes() const { return client_exit_codes_; }

 private:
  FederationProcesses() = default;
  Status StartCoordinator(const std::filesystem::path& programs);
  Status Stopped() const;
  Status SomeClientLeft();
  Result<std::string> Port();
  Status StartClients(const Options& options,
                      const std::filesystem::path& programs,
                      const std::string& port);

  std::filesystem::path folder_;
  std::stop_token stop_;
  std::vector<ChildProcess> coordinator_;  ///< one, once started
  std::map<ClientId, ChildProcess> clients_;
  std::map<ClientId, int> client_exit_codes_;
};

}  // namespace rondo::sim
