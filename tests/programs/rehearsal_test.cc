#include <csignal>

#include "tests/programs/world.h"

namespace rondo::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// `rondo-sim poc`.
class RehearsalTest : public ProgramsTest {
 protected:
  RehearsalTest() { Write(Path("data/log.inter"), SmallLog(60)); }

  Program::Options Poc(int rounds, std::vector<std::string> more = {}) const {
    Write(Path("scenario.toml"), SmallScenario(rounds, "cohort = 8\nquorum = 2"));
    std::vector<std::string> arguments = {
        "rondo-sim", "poc", "--clients", "2", "scenario.toml", "--out", "poc"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Command(std::move(arguments));
  }

  /// Waits for the end of the second round.
  bool SecondRound(Program& poc) const {
    return poc.Await([log = Path("poc/coordinator.log")] {
      const auto text = ReadTextFile(log);
      return text && text->find("\nround 2: ") != std::string::npos;
    });
  }

  /// The processes that the rehearsal started; all name a file of its folder.
  std::size_t Children() const { return ProcessesMentioning(Path("poc").string()).size(); }
};

TEST_F(RehearsalTest, PrintsTheTableAndLeavesNoProcess) {
  const Ending end = RunToEnd(Poc(4));
  ASSERT_EQ(end.code, 0) << end.err;
  EXPECT_THAT(end.out, AllOf(HasSubstr("federated model"), HasSubstr("popularity")));
  EXPECT_THAT(end.out, HasSubstr("report.html"));
  EXPECT_TRUE(std::filesystem::exists(Path("poc/report.html")));
  EXPECT_EQ(Children(), 0U);

  const std::string scenario = *ReadTextFile(Path("poc/scenario.toml"));
  const Ending again = RunToEnd(Poc(5));
  EXPECT_EQ(again.code, 4) << again.err;
  EXPECT_THAT(again.out, IsEmpty());
  EXPECT_THAT(again.err, HasSubstr("poc/scenario.toml' exists already; choose another --out"));
  EXPECT_EQ(*ReadTextFile(Path("poc/scenario.toml")), scenario) << "it wrote into the first one";
}

TEST_F(RehearsalTest, MasksRoundsFromThreeClientsOn) {
  const std::string masked = "privacy.mode=masked";
  const Ending few = RunToEnd(Poc(2, {"--set", masked}));
  EXPECT_EQ(few.code, 4) << few.err;
  EXPECT_THAT(few.err, HasSubstr("opens no sum of fewer than 3 clients"));
  std::filesystem::remove_all(Path("poc"));

  const Ending end = RunToEnd(Command(
      {"rondo-sim", "poc", "--clients", "3", "scenario.toml", "--out", "poc", "--set", masked}));
  ASSERT_EQ(end.code, 0) << end.err;
  const std::string log = *ReadTextFile(Path("poc/coordinator.log"));
  EXPECT_THAT(log, HasSubstr("trust mode 'masked'"));
  EXPECT_THAT(log, HasSubstr("\nround 2: 3 of 3 clients"));
}

TEST_F(RehearsalTest, TakesANewFolderAndInstitutionsOfAnyName) {
  std::string users = "user_id:token\tcity:token\n";
  for (int user = 0; user < 60; ++user) {
    users += fmt::format("u{}\t{}\n", user, user % 2 == 0 ? "New York/NY" : "Z\xC3\xBCrich");
  }
  Write(Path("data/log.user"), users);
  Write(Path("scenario.toml"), SmallScenario(2, "cohort = 0\nquorum = 2"));
  const Ending end = RunToEnd(Command({"rondo-sim",
                                       "poc",
                                       "--clients",
                                       "2",
                                       "scenario.toml",
                                       "--set",
                                       "data.clients=column:city"}));
  ASSERT_EQ(end.code, 0) << end.err;
  EXPECT_THAT(end.err, AllOf(HasSubstr("/runs/"), HasSubstr("-small-poc")));
  EXPECT_TRUE(std::filesystem::exists(Path("runs/latest/report.html")));
}

TEST_F(RehearsalTest, AnInterruptStopsTheChildren) {
  for (const int signal : {SIGINT, SIGTERM}) {
    Program poc(Poc(100000));
    ASSERT_TRUE(SecondRound(poc)) << poc.err();
    EXPECT_EQ(Children(), 3U);
    poc.Signal(signal);
    EXPECT_EQ(poc.Wait(), 130);
    EXPECT_THAT(poc.out(), IsEmpty());
    EXPECT_THAT(LastLine(poc.err()), HasSubstr("rondo-sim: the federation was stopped"));
    EXPECT_EQ(Children(), 0U);
    EXPECT_THAT(*ReadTextFile(Path("poc/coordinator.log")), HasSubstr("it can be resumed"))
        << "it was not asked to end";
    std::filesystem::remove_all(Path("poc"));
  }
}

TEST_F(RehearsalTest, WithoutAClientLeftItEnds) {
  Program poc(Poc(100000));
  ASSERT_TRUE(SecondRound(poc)) << poc.err();
  const auto clients = ProcessesMentioning(Path("poc/federation/clients").string());
  ASSERT_EQ(clients.size(), 2U);
  for (const pid_t client : clients) {
    ::kill(client, SIGKILL);
  }
  EXPECT_EQ(poc.Wait(), 1) << poc.err();
  EXPECT_THAT(poc.err(), HasSubstr("rondo-sim: no client is left; client "));
  EXPECT_EQ(Children(), 0U);
}

TEST_F(RehearsalTest, AFederationThatFailsIsReportedWithTheEndOfItsLog) {
  const Ending end = RunToEnd(Poc(4,
                                  {"--set",
                                   "strategy.max_void_rounds=1",
                                   "--set",
                                   "client.learning_rate=1e30",
                                   "--set",
                                   "client.steps=4"}));
  EXPECT_EQ(end.code, 1) << end.err;
  EXPECT_THAT(end.out, IsEmpty());
  EXPECT_THAT(end.err, HasSubstr("rondo-sim: the coordinator ended with exit code 1: "));
  EXPECT_THAT(end.err, HasSubstr("rounds in a row were void"));
  EXPECT_EQ(Children(), 0U);
}

}  // namespace
}  // namespace rondo::testing
