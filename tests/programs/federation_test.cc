#include "tests/programs/federation.h"

#include <map>
#include <regex>
#include <sstream>

namespace rondo::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;

/// Every client in every round, so that the same rounds give the same model.
std::string EveryClient(int rounds) {
  return SmallScenario(rounds, "cohort = 0\nquorum = 3");
}

constexpr int kLong = 30;

int WorkingOn(const boost::json::object& status, const std::string& id) {
  for (const boost::json::value& client : status.at("clients").as_array()) {
    if (client.at("id").as_string() == id) {
      return client.at("working_on").to_number<int>();
    }
  }
  return -1;
}

std::string ErrorsOf(const std::vector<std::unique_ptr<Program>>& programs) {
  std::string all;
  for (const auto& program : programs) {
    all += program->err() + "---\n";
  }
  return all;
}

TEST_F(FederationTest, EveryClientKeepsTheFinalModel) {
  Init(EveryClient(5));
  const auto coordinator = StartCoordinator();
  const auto clients = StartClients(Port());
  ASSERT_EQ(coordinator->Wait(), 0) << coordinator->err() << ErrorsOf(clients);
  for (const auto& client : clients) {
    EXPECT_EQ(client->Wait(), 0) << client->err();
    EXPECT_EQ(boost::json::parse(client->out()).at("rounds_included").as_int64(), 5);
  }
  const boost::json::object summary = boost::json::parse(coordinator->out()).as_object();
  EXPECT_EQ(summary, ReadJson(Path("federation/state/summary.json")));
  EXPECT_EQ(summary.at("rounds").as_int64(), 5);
  EXPECT_EQ(summary.at("void_rounds").as_int64(), 0);
  EXPECT_EQ(summary.at("test").at("full").at("users").as_int64(), 72);
  const std::string kept = KeptModel(1);
  EXPECT_EQ(KeptModel(2), kept);
  EXPECT_EQ(KeptModel(3), kept);
  EXPECT_FALSE(std::filesystem::exists(Path("federation/state/address")));

  // Started once more, with nobody there, it keeps what the clients measured.
  const auto again = StartCoordinator({"--set", "server.expected_clients=0"});
  ASSERT_EQ(again->Wait(), 0) << again->err();
  EXPECT_EQ(boost::json::parse(again->out()), boost::json::value(summary));
  EXPECT_EQ(summary, ReadJson(Path("federation/state/summary.json")));
}

TEST_F(FederationTest, ACoordinatorThatWasKilledGoesOnWhereItWas) {
  Init(EveryClient(kLong));
  KillCoordinatorAndFinish();
}

TEST_F(FederationTest, WhatClientsKeepOfTheirOwnSurvivesAKilledCoordinator) {
  Init(SmallScenario(kLong, std::string("cohort = 0\nquorum = 3") + kStateful));
  KillCoordinatorAndFinish();
  EXPECT_TRUE(std::filesystem::exists(Path(ClientFolder(1)) / "state" / "vectors.safetensors"));
}

TEST_F(FederationTest, AFullDiskEndsTheCoordinatorAndItGoesOnWhenThereIsRoom) {
  Init(EveryClient(kLong));
  auto coordinator = StartCoordinator();
  const std::string port = Port();
  const auto clients = StartClients(port);
  ASSERT_TRUE(coordinator->Await([&] { return NewestSaved() >= 8; })) << coordinator->err();
  coordinator->LimitFileSize(24 << 10);
  EXPECT_EQ(coordinator->Wait(), 1) << coordinator->err();
  EXPECT_THAT(coordinator->out(), IsEmpty());
  const int saved = NewestSaved();
  EXPECT_EQ(LastLine(coordinator->err())
                .find(fmt::format("rondo-coordinator: the checkpoint of round {} was not saved",
                                  saved + 1)),
            0U)
      << coordinator->err();
  EXPECT_THAT(LastLine(coordinator->err()),
              MatchesRegex(".*: cannot write '.*/federation/state/checkpoints/.*': File too "
                           "large; check the space and the permissions there"));
  FinishAfterRestart(port, saved, clients);
}

TEST_F(FederationTest, AClientThatIsKilledInARoundCostsOnlyItself) {
  Init(SmallScenario(kLong, "cohort = 0\nquorum = 2"));
  const auto coordinator = StartCoordinator({"--set", "server.return_wait_s=0"});
  const auto clients = StartClients(Port());
  ASSERT_TRUE(coordinator->AwaitError("\nround 3: ")) << coordinator->err();
  // The round hangs on a client that does not move: the others have answered.
  clients[2]->Signal(SIGSTOP);
  ASSERT_TRUE(coordinator->Await([&] {
    const boost::json::object status = Status();
    return WorkingOn(status, "client-3") > 0 && WorkingOn(status, "client-1") == 0
           && WorkingOn(status, "client-2") == 0;
  })) << coordinator->err();
  const int round = WorkingOn(Status(), "client-3");
  clients[2]->Signal(SIGKILL);
  EXPECT_EQ(clients[2]->Wait(), 128 + SIGKILL);
  ASSERT_EQ(coordinator->Wait(), 0) << coordinator->err();
  EXPECT_EQ(clients[0]->Wait(), 0) << clients[0]->err();
  EXPECT_EQ(clients[1]->Wait(), 0) << clients[1]->err();

  const std::string log = coordinator->err();
  EXPECT_THAT(log, HasSubstr(fmt::format("\nround {}: 2 of 3 clients", round)));
  EXPECT_THAT(log, HasSubstr("\n  without client-3: "));
  EXPECT_THAT(log, HasSubstr(fmt::format("\nround {}: 2 of 2 clients", kLong)));
  const boost::json::object summary = boost::json::parse(coordinator->out()).as_object();
  EXPECT_EQ(summary.at("rounds").as_int64(), kLong);
  EXPECT_EQ(summary.at("void_rounds").as_int64(), 0);
  EXPECT_EQ(KeptModel(1), KeptModel(2));
}

/// Reads Prometheus' text format: every sample follows HELP and TYPE of its name.
std::map<std::string, double> ParseMetrics(const std::string& text) {
  static const std::regex kHelp("# HELP ([a-z_:][a-z0-9_:]*) .+");
  static const std::regex kType("# TYPE ([a-z_:][a-z0-9_:]*) (gauge|counter)");
  static const std::regex kSample("([a-z_:][a-z0-9_:]*) ([-+]?[0-9.]+(e[-+]?[0-9]+)?)");
  std::map<std::string, double> values;
  std::map<std::string, std::string> types;
  std::string help;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, kHelp)) {
      help = match[1];
    } else if (std::regex_match(line, match, kType)) {
      EXPECT_EQ(match[1], help);
      EXPECT_TRUE(types.emplace(match[1], match[2]).second) << line << " twice";
    } else if (std::regex_match(line, match, kSample)) {
      const std::string name = match[1];
      EXPECT_TRUE(types.contains(name)) << line << " without a type";
      EXPECT_EQ(types[name] == "counter", name.ends_with("_total")) << line;
      EXPECT_TRUE(values.emplace(name, std::stod(match[2])).second) << line << " twice";
    } else {
      ADD_FAILURE() << "no line of the format: " << line;
    }
  }
  EXPECT_TRUE(text.ends_with('\n'));
  return values;
}

TEST_F(FederationTest, StatusAndMetricsFollowTheRun) {
  Init(SmallScenario(100000, "cohort = 0\nquorum = 3"));
  const auto coordinator = StartCoordinator();
  const auto port = static_cast<std::uint16_t>(std::stoi(Port("status_address")));
  auto metrics = ParseMetrics(BodyOf(HttpGet(port, "/metrics")));
  EXPECT_EQ(metrics.at("rondo_round"), 0);
  EXPECT_EQ(metrics.at("rondo_rounds_total"), 0);

  const auto clients = StartClients(Port());
  ASSERT_TRUE(coordinator->AwaitError("\nround 5: ")) << coordinator->err();
  metrics = ParseMetrics(BodyOf(HttpGet(port, "/metrics")));
  EXPECT_GE(metrics.at("rondo_round"), 5);
  EXPECT_EQ(metrics.at("rondo_rounds_total"), metrics.at("rondo_round"));
  EXPECT_EQ(metrics.at("rondo_contributions_total"), 3 * metrics.at("rondo_round"));
  EXPECT_EQ(metrics.at("rondo_clients_connected"), 3);
  EXPECT_EQ(metrics.at("rondo_drops_total"), 0);
  EXPECT_EQ(metrics.at("rondo_rounds_void_total"), 0);
  EXPECT_GT(metrics.at("rondo_bytes_up"), 0);
  EXPECT_GT(metrics.at("rondo_loss"), 0);

  const boost::json::object status = Status();
  EXPECT_EQ(status.at("trust_mode").as_string(), "channel");
  EXPECT_GE(status.at("round").to_number<double>(), metrics.at("rondo_round"));
  EXPECT_EQ(status.at("clients").as_array().size(), 3U);

  for (const auto& [verb, part] :
       {std::pair("status", "trust_mode  channel"), std::pair("clients", "client-3")}) {
    const Ending shown = RunToEnd(
        Command({"rondo-coordinator", verb, "--config", "federation/coordinator.toml"}, "verb"));
    EXPECT_EQ(shown.code, 0) << shown.err;
    EXPECT_THAT(shown.out, HasSubstr(part));
  }
}

TEST_F(FederationTest, AFullDiskOfAClientCostsOnlyThatClient) {
  Init(SmallScenario(kLong, "cohort = 0\nquorum = 2"));
  const auto coordinator = StartCoordinator({"--set", "server.return_wait_s=0"});
  const auto clients = StartClients(Port());
  clients[1]->LimitFileSize(4 << 10);
  EXPECT_EQ(clients[1]->Wait(), 1) << clients[1]->err();
  EXPECT_THAT(LastLine(clients[1]->err()),
              MatchesRegex("rondo-client: cannot write '.*/client-2/state/.*': File too large"));
  ASSERT_EQ(coordinator->Wait(), 0) << coordinator->err();
  EXPECT_EQ(clients[0]->Wait(), 0);
  EXPECT_EQ(clients[2]->Wait(), 0);
  EXPECT_EQ(KeptModel(1), KeptModel(3));
}

TEST_F(FederationTest, AStateHasOneProcess) {
  Init(SmallScenario(3, "cohort = 0\nquorum = 3"));
  const auto coordinator = StartCoordinator();
  const Ending second = RunToEnd(
      Command({"rondo-coordinator", "run", "--config", "federation/coordinator.toml"}, "second"));
  EXPECT_EQ(second.code, 1);
  EXPECT_THAT(LastLine(second.err), HasSubstr("is in use by another process"));

  Program client(ClientCommand(1, Port()));
  ASSERT_TRUE(client.AwaitError("joined 'small'")) << client.err();
  Program::Options again = ClientCommand(1, Port());
  again.name = "again";
  const Ending twin = RunToEnd(again);
  EXPECT_EQ(twin.code, 1);
  EXPECT_THAT(LastLine(twin.err), HasSubstr("state' is in use by another process"));
  EXPECT_THAT(client.err(), Not(HasSubstr("lost"))) << "the twin took the session over";
}

TEST_F(FederationTest, AClientGivesUpAfterTheTimeItWasGiven) {
  Init(SmallScenario(3, "cohort = 0"));
  std::string port;
  {
    const auto coordinator = StartCoordinator();
    port = Port();
  }
  Program::Options command = ClientCommand(1, port);
  command.arguments.insert(command.arguments.end(), {"--set", "coordinator.retry_for_s=0.5"});
  const Ending end = RunToEnd(command);
  EXPECT_EQ(end.code, 2) << end.err;
  EXPECT_THAT(LastLine(end.err),
              HasSubstr("without the coordinator: cannot connect to 127.0.0.1:" + port));
}

TEST_F(FederationTest, AnInterruptEndsTheWaitForClientsThatAreAway) {
  Init(SmallScenario(3, "cohort = 0\nquorum = 2"));
  const auto coordinator = StartCoordinator(
      {"--set", "server.return_wait_s=3000", "--set", "server.finish_wait_s=3000"});
  const auto clients = StartClients(Port());
  ASSERT_TRUE(coordinator->AwaitError("\nround 1: ")) << coordinator->err();
  clients[0]->Signal(SIGKILL);
  EXPECT_EQ(clients[1]->Wait(), 0);
  EXPECT_EQ(clients[2]->Wait(), 0);
  coordinator->Signal(SIGINT);
  // All rounds are done and their results on disk: nothing is left to be resumed.
  EXPECT_EQ(coordinator->Wait(), 0) << coordinator->err();
  EXPECT_THAT(coordinator->err(), HasSubstr("warning: without the final model: client-1"));
}

TEST_F(FederationTest, AnInterruptEndsCoordinatorAndClients) {
  Init(EveryClient(100000));
  const auto coordinator = StartCoordinator();
  const auto clients = StartClients(Port());
  ASSERT_TRUE(coordinator->AwaitError("\nround 2: ")) << coordinator->err();
  clients[0]->Signal(SIGTERM);
  EXPECT_EQ(clients[0]->Wait(), 130) << clients[0]->err();
  EXPECT_THAT(LastLine(clients[0]->err()), HasSubstr("rondo-client: stopped by its owner"));
  coordinator->Signal(SIGINT);
  EXPECT_EQ(coordinator->Wait(), 130);
  EXPECT_EQ(LastLine(coordinator->err()),
            "rondo-coordinator: the run was stopped; it can be resumed");
  EXPECT_FALSE(std::filesystem::exists(Path("federation/state/address")));
  // The others wait for the coordinator to come back.
  clients[1]->Signal(SIGINT);
  EXPECT_EQ(clients[1]->Wait(), 130) << clients[1]->err();
}

}  // namespace
}  // namespace rondo::testing
