#pragma once

#include <csignal>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/crypto/sha256.h"
#include "tests/programs/world.h"
#include "tests/support/plain_socket.h"

namespace rondo::testing {

/// The files of a federation of three clients, made by `rondo-coordinator init`, and what a test
/// needs to start its members.
class FederationTest : public ProgramsTest {
 protected:
  static constexpr int kClients = 3;

  /// Writes the logs of the clients and runs init with the scenario in `folder`.
  void Init(const std::string& scenario,
            const std::string& folder = "federation",
            const std::vector<std::string>& more = {}) {
    Write(Path("scenario.toml"), scenario);
    Write(Path("catalogue.tsv"), SmallCatalogue());
    for (int client = 1; client <= kClients; ++client) {
      Write(Path(fmt::format("log-{}/log.inter", client)), SmallLog(24, 100 * client));
    }
    std::vector<std::string> arguments = {"rondo-coordinator",
                                          "init",
                                          "--scenario",
                                          "scenario.toml",
                                          "--catalogue",
                                          "catalogue.tsv",
                                          "--clients",
                                          std::to_string(kClients),
                                          "--host",
                                          "127.0.0.1",
                                          "--port",
                                          "0",
                                          "--out",
                                          folder};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ending end = RunToEnd(Command(std::move(arguments)));
    ASSERT_EQ(end.code, 0) << end.err;
    ASSERT_THAT(end.out, ::testing::IsEmpty());
  }

  /// Starts the coordinator and waits until it listens.
  std::unique_ptr<Program> StartCoordinator(const std::vector<std::string>& more = {},
                                            const std::string& folder = "federation") {
    std::vector<std::string> arguments = {
        "rondo-coordinator", "run", "--config", folder + "/coordinator.toml", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    auto coordinator = std::make_unique<Program>(Command(arguments, folder));
    EXPECT_TRUE(coordinator->AwaitError("listening on")) << coordinator->err();
    return coordinator;
  }

  /// The port of `address`, or of `status_address`, in the coordinator's state.
  std::string Port(const std::string& file = "address",
                   const std::string& folder = "federation") const {
    const std::string address = ReadTextFile(Path(folder + "/state/" + file)).value();
    const std::size_t colon = address.rfind(':');
    return address.substr(colon + 1, address.find('\n') - colon - 1);
  }

  std::string ClientFolder(int client, const std::string& folder = "federation") const {
    return fmt::format("{}/clients/client-{}", folder, client);
  }

  Program::Options ClientCommand(int client,
                                 const std::string& port,
                                 const std::string& folder = "federation") const {
    return Command({"rondo-client",
                    "run",
                    "--config",
                    ClientFolder(client, folder) + "/client.toml",
                    "--set",
                    "coordinator.port=" + port,
                    "--set",
                    fmt::format("data.path=log-{}", client),
                    "--set",
                    "client.threads=1",
                    "--json"},
                   fmt::format("{}-client-{}", folder, client));
  }

  std::vector<std::unique_ptr<Program>> StartClients(const std::string& port,
                                                     const std::string& folder = "federation") {
    std::vector<std::unique_ptr<Program>> clients;
    for (int client = 1; client <= kClients; ++client) {
      clients.push_back(std::make_unique<Program>(ClientCommand(client, port, folder)));
    }
    return clients;
  }

  /// Newest round that the coordinator has on disk.
  int NewestSaved() const { return NewestCheckpoint(Path("federation/state/checkpoints")); }

  /// The coordinator's /status page.
  boost::json::object Status() const {
    const std::string answer =
        HttpGet(static_cast<std::uint16_t>(std::stoi(Port("status_address"))), "/status");
    return boost::json::parse(BodyOf(answer)).as_object();
  }

  /// Starts the coordinator again after `saved` rounds, lets the federation end, and compares its
  /// model with the one of a federation that nothing disturbed.
  void FinishAfterRestart(const std::string& port,
                          int saved,
                          const std::vector<std::unique_ptr<Program>>& clients) {
    const auto coordinator = StartCoordinator({"--set", "server.port=" + port});
    ASSERT_EQ(coordinator->Wait(), 0) << coordinator->err();
    for (const auto& client : clients) {
      EXPECT_EQ(client->Wait(), 0) << client->err();
    }
    const std::string log = coordinator->err();
    EXPECT_THAT(log, ::testing::HasSubstr(fmt::format("round {} of ", saved)));
    const std::size_t first = log.find("\nround ");
    EXPECT_EQ(log.find(fmt::format("\nround {}: 3 of 3 clients", saved + 1)), first) << log;
    EXPECT_EQ(boost::json::parse(coordinator->out()).at("void_rounds").as_int64(), 0);

    Init(*ReadTextFile(Path("scenario.toml")), "calm");
    const auto calm = StartCoordinator({}, "calm");
    const auto members = StartClients(Port("address", "calm"), "calm");
    ASSERT_EQ(calm->Wait(), 0) << calm->err();
    for (int client = 1; client <= kClients; ++client) {
      EXPECT_EQ(members[static_cast<std::size_t>(client - 1)]->Wait(), 0);
      EXPECT_EQ(KeptModel(client), KeptModel(client, "calm")) << "something was lost";
    }
  }

  /// Kills the coordinator of a long federation after some rounds, and goes on as
  /// FinishAfterRestart.
  void KillCoordinatorAndFinish() {
    const auto coordinator = StartCoordinator();
    const std::string port = Port();
    const auto clients = StartClients(port);
    ASSERT_TRUE(coordinator->Await([&] { return NewestSaved() >= 8; })) << coordinator->err();
    coordinator->Signal(SIGKILL);
    ASSERT_EQ(coordinator->Wait(), 128 + SIGKILL) << "it ended before it could be killed";
    FinishAfterRestart(port, NewestSaved(), clients);
  }

  /// SHA-256 of the model that a client keeps, checked against its record.
  std::string KeptModel(int client, const std::string& folder = "federation") const {
    const auto state = Path(ClientFolder(client, folder)) / "state";
    const auto file = ReadFile(state / "model.safetensors", 1 << 20);
    EXPECT_TRUE(file) << "client " << client << " keeps no model";
    if (!file) {
      return "";
    }
    const boost::json::object record = ReadJson(state / "client.json");
    EXPECT_TRUE(record.at("finished").as_bool());
    EXPECT_EQ(Sha256Hex(*file), record.at("model_sha256").as_string());
    return Sha256Hex(*file);
  }
};

}  // namespace rondo::testing
