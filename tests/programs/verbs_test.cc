#include <sstream>

#include "tests/programs/federation.h"
#include "tests/support/run_command.h"

/// The verbs beside `run`: what they say about a federation, a model and a machine.
namespace rondo::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class VerbsTest : public FederationTest {
 protected:
  VerbsTest() { Init(SmallScenario(3, "cohort = 0\nquorum = 3")); }

  /// Client 1 with a verb, and where its coordinator, if any, listens.
  Ending Client(std::vector<std::string> verb, const std::string& port = "1") const {
    Program::Options command = ClientCommand(1, port);
    command.name = "verb";
    verb.insert(verb.begin(), "rondo-client");
    command.arguments.erase(command.arguments.begin(), command.arguments.begin() + 2);
    command.arguments.insert(command.arguments.begin(), verb.begin(), verb.end());
    return RunToEnd(command);
  }

  /// One check of a report of the doctor.
  static boost::json::object CheckOf(const Ending& doctor, const std::string& name) {
    const boost::json::value report = boost::json::parse(doctor.out);
    for (const boost::json::value& check : report.at("checks").as_array()) {
      if (check.at("name").as_string() == name) {
        return check.as_object();
      }
    }
    ADD_FAILURE() << "no check '" << name << "' in " << doctor.out;
    return {};
  }

  /// Runs the federation to its end.
  void Finish() {
    const auto coordinator = StartCoordinator();
    const auto clients = StartClients(Port());
    ASSERT_EQ(coordinator->Wait(), 0) << coordinator->err();
    for (const auto& client : clients) {
      ASSERT_EQ(client->Wait(), 0) << client->err();
    }
  }

  /// The last event of every user of a log, which leave_one_out holds out for the test.
  static std::string LastEvents(const std::string& log) {
    std::map<std::string, std::string> last;
    std::istringstream rows(log);
    std::string row;
    std::getline(rows, row);
    for (std::string user, item, time; rows >> user >> item >> time;) {
      last[user] = item;
    }
    std::string text = "user_id\titem_id\n";
    for (const auto& [user, item] : last) {
      text += fmt::format("{}\t{}\n", user, item);
    }
    return text;
  }
};

TEST_F(VerbsTest, TheDoctorAsksTheCoordinatorAndLeavesARunningClientAlone) {
  const auto coordinator = StartCoordinator();
  const Ending ready = Client({"doctor"}, Port());
  EXPECT_EQ(ready.code, 0) << ready.out << ready.err;
  EXPECT_EQ(boost::json::parse(ready.out).at("checks").as_array().size(), 8U);
  EXPECT_THAT(ready.out, HasSubstr("accepts this client and its catalogue"));
  EXPECT_THAT(coordinator->err(), HasSubstr("client-1 looks"));
  EXPECT_THAT(coordinator->err(), Not(HasSubstr("client-1 joined")));

  Program client(ClientCommand(1, Port()));
  ASSERT_TRUE(client.AwaitError("joined 'small'")) << client.err();
  const Ending meanwhile = Client({"doctor"}, Port());
  EXPECT_EQ(meanwhile.code, 0) << meanwhile.out << meanwhile.err;
  EXPECT_THAT(meanwhile.out, HasSubstr("accepts this client and its catalogue"));
  EXPECT_THAT(client.err(), Not(HasSubstr("lost")));
}

TEST_F(VerbsTest, TheDoctorNamesTheMappingWhereNoIdIsInTheCatalogue) {
  std::string log = SmallLog(24, 100);
  for (std::size_t at = log.find("\ti"); at != std::string::npos; at = log.find("\ti", at + 1)) {
    log.replace(at, 2, "\tsku-");
  }
  Write(Path("log-1/log.inter"),
        "user_id:token\titem_id:token\ttimestamp:float" + log.substr(log.find('\n')));
  const Ending end = Client({"doctor"});
  EXPECT_EQ(end.code, 1) << end.err;
  const boost::json::object mapping = CheckOf(end, "mapping");
  EXPECT_FALSE(mapping.at("pass").as_bool());
  EXPECT_THAT(std::string(mapping.at("found").as_string()), HasSubstr("100.0 % of the rows"));
  EXPECT_THAT(std::string(mapping.at("fix").as_string()), HasSubstr("set data.mapping"));
  EXPECT_FALSE(CheckOf(end, "reachability").at("pass").as_bool()) << "nobody listens";
}

TEST_F(VerbsTest, AnotherCatalogueIsRefusedWithOneMessage) {
  Write(Path(ClientFolder(1) + "/catalogue.tsv"), SmallCatalogue() + "i41\tItem 41\tk2 m1\n");
  const auto coordinator = StartCoordinator();
  const Ending doctor = Client({"doctor"}, Port());
  EXPECT_EQ(doctor.code, 1) << doctor.err;
  EXPECT_THAT(std::string(CheckOf(doctor, "reachability").at("fix").as_string()),
              HasSubstr("the operator's catalogue.tsv"));

  const Ending end = RunToEnd(ClientCommand(1, Port()));
  EXPECT_EQ(end.code, 1) << end.err;
  EXPECT_THAT(end.out, IsEmpty());
  EXPECT_THAT(LastLine(end.err),
              AllOf(HasSubstr("rondo-client: the coordinator refused: catalogue differs"),
                    HasSubstr("copy the federation's catalogue.tsv")));
  EXPECT_THAT(end.err, Not(HasSubstr("trying again")));
}

TEST_F(VerbsTest, ADryRunNeedsTheScenario) {
  const Ending end = Client({"run", "--dry-run"});
  EXPECT_EQ(end.code, 4);
  EXPECT_THAT(end.out, IsEmpty());
  EXPECT_THAT(LastLine(end.err), HasSubstr("--dry-run needs --scenario FILE"));
}

TEST_F(VerbsTest, AKeyThatOthersCanReadIsNotUsed) {
  const auto key = Path(ClientFolder(1) + "/client.key");
  std::filesystem::permissions(
      key, std::filesystem::perms::group_read, std::filesystem::perm_options::add);
  for (const std::string verb : {"run", "doctor"}) {
    const Ending end = Client({verb});
    EXPECT_EQ(end.code, verb == "run" ? 4 : 1) << end.err;
    EXPECT_THAT(end.out + end.err, HasSubstr("chmod 600 " + key.string()));
  }
}

TEST_F(VerbsTest, ListsOfAllUsersAreScoredByMetricsAndStartFromEverythingTheLogHolds) {
  Finish();
  const Ending lists =
      Client({"recommend", "--all", "--hold-out", "-k", "10", "--out", "held.tsv"});
  ASSERT_EQ(lists.code, 0) << lists.err;
  Write(Path("truth.tsv"), LastEvents(SmallLog(24, 100)));
  const Ending scores = RunToEnd(Command({"rondo-sim",
                                          "metrics",
                                          "--recommendations",
                                          "held.tsv",
                                          "--truth",
                                          "truth.tsv",
                                          "--k",
                                          "10",
                                          "--json"}));
  ASSERT_EQ(scores.code, 0) << scores.err;
  EXPECT_EQ(boost::json::parse(scores.out).at("users").as_int64(), 24);
  EXPECT_GT(boost::json::parse(scores.out).at("hr@10").to_number<double>(), 0.0);

  // One event is too few to train on, not to recommend from.
  Write(Path("log-1/log.inter"), SmallLog(24, 100) + "new\ti7\t1\n");
  const Ending all = Client({"recommend", "--all", "--out", "all.tsv"});
  ASSERT_EQ(all.code, 0) << all.err;
  EXPECT_EQ(boost::json::parse(all.out).at("users").as_int64(), 25);
  const Ending one = Client({"recommend", "--user", "new"});
  ASSERT_EQ(one.code, 0) << one.err;
  EXPECT_EQ(boost::json::parse(one.out).at("history").as_int64(), 1);
  const Ending old = Client({"recommend", "--user", "u100"});
  EXPECT_EQ(boost::json::parse(old.out).at("history").as_int64(), 10) << old.err;
  const Ending nobody = Client({"recommend", "--user", "nobody"});
  EXPECT_EQ(nobody.code, 4);
  EXPECT_THAT(LastLine(nobody.err), HasSubstr("user 'nobody' has no event to start from"));
}

/// The verbs of rondo-sim that measure.
class MeasuringTest : public ProgramsTest {};

TEST_F(MeasuringTest, EvaluateGivesTheNumbersOfTheRun) {
  Write(Path("data/log.inter"), SmallLog(30));
  Write(Path("small.toml"), SmallScenario(4));
  const Ending run =
      RunToEnd(Command({"rondo-sim", "run", "small.toml", "--out", "out", "--json"}, "run"));
  ASSERT_EQ(run.code, 0) << run.err;
  const Ending end = RunToEnd(Command(
      {"rondo-sim", "evaluate", "--model", "out/model.safetensors", "small.toml", "--json"}));
  ASSERT_EQ(end.code, 0) << end.err;
  const boost::json::object summary = boost::json::parse(run.out).as_object();
  EXPECT_EQ(boost::json::parse(end.out).at("full"), summary.at("test").at("full"));
  EXPECT_EQ(summary.at("test").at("full").at("users").as_int64(), 30);
}

TEST_F(MeasuringTest, BenchTimesRoundsOfRealClients) {
  const Ending end = RunToEnd(
      Command({"rondo-sim", "bench", "--workload", "noop", "--pool", "remote", "--clients", "2"}));
  ASSERT_EQ(end.code, 0) << end.err;
  const boost::json::object result = boost::json::parse(end.out).as_object();
  EXPECT_EQ(result.at("workload").as_string(), "noop");
  EXPECT_EQ(result.at("pool").as_string(), "remote");
  EXPECT_GT(result.at("rounds_per_s").to_number<double>(), 0.0);
}

TEST_F(MeasuringTest, BenchMakesItsOwnUsersForW3) {
  const auto sum_of_weights = [this](const char* threads) {
    const Ending end = RunToEnd(
        Command({"rondo-sim", "bench", "--workload", "w3", "--cohort", "3", "--threads", threads}));
    EXPECT_EQ(end.code, 0) << end.err;
    const boost::json::object result = boost::json::parse(end.out).as_object();
    EXPECT_EQ(result.at("workload").as_string(), "w3");
    EXPECT_GT(result.at("units_per_s").to_number<double>(), 0.0);
    return result.at("sum").to_number<double>();
  };

  EXPECT_EQ(sum_of_weights("1"), sum_of_weights("2")) << "threads change no bit";
}

TEST_F(MeasuringTest, CohortsOfBenchAreBounded) {
  const auto refusal = [this](const char* workload, const char* cohort) {
    const Ending end =
        RunToEnd(Command({"rondo-sim", "bench", "--workload", workload, "--cohort", cohort}));
    EXPECT_EQ(end.code, 4);
    return end.err;
  };

  EXPECT_THAT(refusal("w3", "100001"), HasSubstr("--cohort must be 1 to 100000 for w3"));
  EXPECT_THAT(refusal("w1", "5"), HasSubstr("the cohorts of 'w1' are fixed"));
}

TEST(ProgramTest, TheCoordinatorLinksNoTorch) {
  const CommandOutcome libraries = RunCommand("ldd " RONDO_PROGRAMS "/rondo-coordinator");
  ASSERT_EQ(libraries.exit_status, 0);
  EXPECT_THAT(libraries.output, HasSubstr("libssl"));
  EXPECT_THAT(libraries.output, Not(HasSubstr("torch")));
}

}  // namespace
}  // namespace rondo::testing
