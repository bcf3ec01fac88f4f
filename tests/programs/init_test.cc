#include "tests/programs/world.h"

/// What `rondo-coordinator init` accepts, and what it writes.
namespace rondo::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class InitTest : public ProgramsTest {
 protected:
  InitTest() { Write(Path("catalogue.tsv"), SmallCatalogue()); }

  /// Runs init with lines for the sections `data` and `strategy` of the scenario.
  Ending Init(const std::vector<std::string>& more,
              const std::string& strategy = "cohort = 0",
              const std::string& data = "") const {
    std::string scenario = SmallScenario(3, strategy);
    scenario.insert(scenario.find("[model]"), data);
    return InitWith(scenario, more);
  }

  Ending InitWith(const std::string& scenario, const std::vector<std::string>& more) const {
    Write(Path("scenario.toml"), scenario);
    std::vector<std::string> arguments = {"rondo-coordinator",
                                          "init",
                                          "--scenario",
                                          "scenario.toml",
                                          "--catalogue",
                                          "catalogue.tsv",
                                          "--out",
                                          "federation"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunToEnd(Command(std::move(arguments)));
  }

  /// The message of a federation that is refused: exit 4, one line, no folder.
  std::string Refusal(const std::vector<std::string>& more,
                      const std::string& strategy = "cohort = 0",
                      const std::string& data = "") const {
    return RefusalOf(Init(more, strategy, data));
  }

  std::string RefusalOf(const Ending& end) const {
    EXPECT_EQ(end.code, 4) << end.err;
    EXPECT_THAT(end.out, IsEmpty());
    EXPECT_EQ(Lines(end.err), 1U) << end.err;
    EXPECT_THAT(end.err, StartsWith("rondo-coordinator: "));
    EXPECT_FALSE(std::filesystem::exists(Path("federation"))) << "nothing half made";
    return end.err;
  }

  std::string File(const std::string& name) const {
    return ReadTextFile(Path("federation/" + name)).value();
  }
};

TEST_F(InitTest, AFederationWithoutClientsIsRefused) {
  EXPECT_THAT(Refusal({}), AllOf(HasSubstr("--clients N"), HasSubstr("--client NAME")));
}

TEST_F(InitTest, RoundsThatCanNeverCountAreRefusedWithTheNumbers) {
  EXPECT_THAT(Refusal({"--clients", "2"}, "cohort = 0\nquorum = 3"),
              HasSubstr("strategy.quorum is 3, but the federation has only 2 clients"));
  EXPECT_THAT(Refusal({"--client", "a", "--client", "b"}, "cohort = 8"),
              HasSubstr("strategy.cohort is 8, but the federation has only 2 clients"));
}

TEST_F(InitTest, AMessageThatNoClientWouldTakeIsRefused) {
  std::string scenario = SmallScenario(3, "cohort = 0");
  std::string cutoffs = "k = [1";
  for (int k = 2; k <= 65; ++k) {
    cutoffs += ", " + std::to_string(k);
  }
  scenario.insert(scenario.find("protocols"), cutoffs + "]\n");

  EXPECT_THAT(RefusalOf(InitWith(scenario, {"--clients", "2"})),
              AllOf(HasSubstr("scenario.toml: its welcome would be refused"),
                    HasSubstr("k has more than 64")));
}

TEST_F(InitTest, ASplitInTimeNeedsCommonCuts) {
  EXPECT_THAT(Refusal({"--clients", "2"}, "cohort = 0", "split = \"global_time\"\n"),
              AllOf(HasSubstr("data.validation_from"), HasSubstr("data.test_from")));
}

TEST_F(InitTest, HostileClientsAreForSimulations) {
  EXPECT_THAT(Refusal({"--clients", "2"}, "[attack]\nname = \"zero\"\nshare = 0.1"),
              AllOf(HasSubstr("attack.name"), HasSubstr("only simulations")));
  EXPECT_THAT(Refusal({"--clients", "2"}, "[devices]\nvirtual_clock = true"),
              AllOf(HasSubstr("devices.virtual_clock"), HasSubstr("only simulations")));
  EXPECT_THAT(Refusal({"--clients", "2"}, "[devices]\ndrop_out = 0.1"),
              AllOf(HasSubstr("devices.drop_out"), HasSubstr("only simulations")));
}

TEST_F(InitTest, ClientsGetTheNumbersOfTheScenarioToTheLastDigit) {
  const std::string data =
      "split = \"global_time\"\nvalidation_from = 1000000000.0625\ntest_from = 1100000000.03125\n"
      "min_rating = 0.00048828125\n";
  const Ending end = Init({"--clients", "1"}, "cohort = 0", data);
  ASSERT_EQ(end.code, 0) << end.err;
  const std::string toml = File("clients/client-1/client.toml");
  EXPECT_THAT(toml, HasSubstr("validation_from = 1000000000.0625\n"));
  EXPECT_THAT(toml, HasSubstr("test_from = 1100000000.03125\n"));
  EXPECT_THAT(toml, HasSubstr("min_rating = 0.00048828125\n"));
}

TEST_F(InitTest, AFreePortIsForLoopbackOnly) {
  EXPECT_THAT(Refusal({"--clients", "1", "--host", "fed.example.org", "--port", "0"}),
              AllOf(HasSubstr("--port 0"), HasSubstr("fed.example.org")));
  const Ending end = Init({"--clients", "1", "--host", "127.0.0.1", "--port", "0"});
  ASSERT_EQ(end.code, 0) << end.err;
  EXPECT_THAT(end.err,
              AllOf(HasSubstr("federation/state/address"), HasSubstr("coordinator.port=PORT")));
}

struct Listening {
  const char* name;
  const char* host;
  const char* listens;  ///< server.host
  const char* printed;  ///< where clients reach it
};

class ListeningTest : public InitTest, public ::testing::WithParamInterface<Listening> {};

TEST_P(ListeningTest, FollowsTheHost) {
  const Ending end = Init({"--clients", "1", "--host", GetParam().host});
  ASSERT_EQ(end.code, 0) << end.err;
  EXPECT_THAT(File("coordinator.toml"),
              HasSubstr(fmt::format("host = \"{}\"\nport = 7443", GetParam().listens)));
  EXPECT_THAT(File("clients/client-1/client.toml"),
              HasSubstr(fmt::format("host = \"{}\"\nport = 7443", GetParam().host)));
  EXPECT_THAT(end.err, HasSubstr(fmt::format(" {}.\n", GetParam().printed)));
}

INSTANTIATE_TEST_SUITE_P(
    Hosts,
    ListeningTest,
    ::testing::Values(Listening{"Name", "fed.example.org", "0.0.0.0", "fed.example.org:7443"},
                      Listening{"Localhost", "localhost", "127.0.0.1", "localhost:7443"},
                      Listening{"Loopback6", "::1", "::1", "[::1]:7443"},
                      Listening{"Address6", "2001:db8::7", "::", "[2001:db8::7]:7443"}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace rondo::testing
