#include <csignal>
#include <memory>

#include "tests/programs/world.h"

namespace rondo::testing {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

int CountOf(const std::string& part, const std::string& text) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

class SimulationTest : public ProgramsTest {
 protected:
  SimulationTest() {
    Write(Path("data/log.inter"), SmallLog(30));
    Write(Path("small.toml"), SmallScenario(12));
    Write(Path("long.toml"), SmallScenario(100));
  }

  Ending Run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"rondo-sim", "run"});
    return RunToEnd(Command(std::move(arguments)));
  }

  /// A wrong command line: exit 4, nothing on stdout, one line on stderr, no run directory.
  std::string Refusal(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--out", "refused", "--json"});
    const Ending end = Run(std::move(arguments));
    EXPECT_EQ(end.code, 4) << end.err;
    EXPECT_THAT(end.out, IsEmpty());
    EXPECT_EQ(Lines(end.err), 1U) << end.err;
    EXPECT_THAT(end.err, StartsWith("rondo-sim: "));
    EXPECT_FALSE(std::filesystem::exists(Path("refused"))) << "a refused run leaves a folder";
    return end.err;
  }

  /// Starts the long run into `out` and waits until it has saved some rounds and validated the last
  /// of them.
  std::unique_ptr<Program> StartLongRun(const std::string& out) const {
    auto run = std::make_unique<Program>(
        Command({"rondo-sim", "run", "long.toml", "--out", out, "--json"}, out));
    const std::string enough = R"("event":"validation","round":16,)";
    EXPECT_TRUE(run->Await([&] {
      const auto rounds = ReadTextFile(Path(out + "/rounds.jsonl"));
      return rounds && rounds->find(enough) != std::string::npos;
    }));
    EXPECT_GE(NewestCheckpoint(Path(out + "/checkpoints")), 16);
    return run;
  }

  /// SHA-256 of the model of the long run when nothing disturbs it.
  std::string Undisturbed() const {
    const Ending end = Run({"long.toml", "--out", "undisturbed", "--json"});
    EXPECT_EQ(end.code, 0) << end.err;
    return ModelSha256(boost::json::parse(end.out).as_object());
  }

  /// Goes on with a run that was cut off; returns the SHA-256 of its model.
  std::string Resume(const std::string& out) const {
    const Ending end = Run({"--resume", out, "--json"});
    EXPECT_EQ(end.code, 0) << end.err;
    const std::string rounds = *ReadTextFile(Path(out + "/rounds.jsonl"));
    for (int round = 1; round <= 100; ++round) {
      EXPECT_EQ(CountOf(fmt::format(R"("event":"round","round":{},)", round), rounds), 1) << round;
      EXPECT_EQ(CountOf(fmt::format(R"("event":"validation","round":{},)", round), rounds),
                round % 4 == 0 ? 1 : 0)
          << round;
    }
    EXPECT_THAT(end.err, ::testing::Not(HasSubstr("round 1/"))) << "it began anew";
    return ModelSha256(boost::json::parse(end.out).as_object());
  }
};

TEST_F(SimulationTest, JsonIsTheWholeOfStdoutAndPeopleReadStderr) {
  const Ending end = Run({"small.toml", "--out", "out", "--json"});
  ASSERT_EQ(end.code, 0) << end.err;
  EXPECT_EQ(Lines(end.out), 1U);
  const boost::json::object summary = boost::json::parse(end.out).as_object();
  EXPECT_EQ(summary.at("schema_version").as_int64(), 1);
  EXPECT_EQ(summary.at("rounds").as_int64(), 12);
  EXPECT_EQ(summary, ReadJson(Path("out/summary.json")));
  EXPECT_THAT(end.err, AllOf(StartsWith("round 1/12"), HasSubstr("\nround 12/12")));
}

TEST_F(SimulationTest, TheTableIsOnStdoutAndNamesTheTrustMode) {
  const Ending end = Run({"small.toml", "--out", "out"});
  ASSERT_EQ(end.code, 0) << end.err;
  EXPECT_THAT(end.out, AllOf(HasSubstr("federated model"), HasSubstr("Trust mode: in_process")));
}

/// 40 users of four tastes; each has eight of the ten items of its taste, in no order.
std::string TasteLog() {
  std::string text = "user_id:token\titem_id:token\n";
  for (int user = 0; user < 40; ++user) {
    const int skipped = user / 4;
    for (int item = 0; item < 10; ++item) {
      if (item != skipped && item != (skipped + 3) % 10) {
        text += fmt::format("u{}\ti{}\n", user, user % 4 * 10 + item);
      }
    }
  }
  return text;
}

TEST_F(SimulationTest, DataWithoutAnOrderTeachWhatBelongsTogether) {
  Write(Path("sets/log.inter"), TasteLog());
  const Ending end = Run({"long.toml",
                          "--set",
                          "data.path=sets",
                          "--set",
                          "data.order=none",
                          "--set",
                          "model.positions=false",
                          "--set",
                          "model.causal=false",
                          "--set",
                          "evaluation.baselines=[\"popularity\"]",
                          "--out",
                          "out",
                          "--json"});
  ASSERT_EQ(end.code, 0) << end.err;
  const boost::json::object summary = boost::json::parse(end.out).as_object();
  const double hits = summary.at("test").at("full").at("hr@5").to_number<double>();
  // Three items of the taste are left to recommend at the end; five of all 33 would hit by chance
  // 15 % of the time.
  EXPECT_GT(hits, 0.6);
}

TEST_F(SimulationTest, InstitutionsHaveAMeanOfTheirOwnBesideThatOfUsers) {
  const Ending end = Run({"small.toml",
                          "--set",
                          "data.clients=dirichlet:0.5",
                          "--set",
                          "data.institutions=3",
                          "--set",
                          "strategy.cohort=0",
                          "--out",
                          "out"});
  ASSERT_EQ(end.code, 0) << end.err;
  EXPECT_THAT(end.out, HasSubstr("mean over institutions of the federated model: NDCG@10 0."));
  const boost::json::object summary = ReadJson(Path("out/summary.json"));
  const boost::json::object full = summary.at("test").at("full").as_object();
  EXPECT_EQ(full.at("nans").to_number<int>(), 0);
  EXPECT_EQ(full.at("institutions").as_object().size(), 14U) << "seven metrics at two k";
}

TEST_F(SimulationTest, MissingDataAreNamedWithTheirPath) {
  EXPECT_THAT(Refusal({"small.toml", "--set", "data.path=nowhere"}),
              HasSubstr("data.path '" + Path("nowhere").string() + "' does not exist"));
}

TEST_F(SimulationTest, AMissingScenarioIsNamedWithItsPath) {
  EXPECT_THAT(Refusal({"absent.toml"}), HasSubstr("absent.toml"));
}

TEST_F(SimulationTest, AWrongHeaderSaysWhatTheFileHasAndWhatNamesTheColumn) {
  Write(Path("odd/log.inter"), "user:token\titem_id:token\n1\t2\n");
  EXPECT_THAT(Refusal({"small.toml", "--set", "data.path=odd"}),
              AllOf(HasSubstr("log.inter:1: the header has no user column 'user_id'"),
                    HasSubstr("it has: user, item_id"),
                    HasSubstr("data.columns.user")));
}

TEST_F(SimulationTest, AnUnknownKeyIsNamedWithItsPlaceAndASuggestion) {
  std::string text = SmallScenario(12);
  text.replace(text.find("history"), 7, "histroy");
  Write(Path("wrong.toml"), text);
  EXPECT_THAT(Refusal({"wrong.toml"}),
              HasSubstr("wrong.toml:7:1: unknown key 'model.histroy'; did you mean 'history'?"));
  EXPECT_THAT(Refusal({"small.toml", "--set", "model.widht=8"}),
              HasSubstr("unknown key 'model.widht'; did you mean 'width'?"));
}

TEST_F(SimulationTest, AWrongTypeIsNamedWithItsPlace) {
  std::string text = SmallScenario(12);
  text.replace(text.find("width = 16"), 10, "width = \"\"");
  Write(Path("wrong.toml"), text);
  EXPECT_THAT(Refusal({"wrong.toml"}), AllOf(HasSubstr("wrong.toml:5:"), HasSubstr("width")));
}

TEST_F(SimulationTest, FiltersThatLeaveNobodyAreNamed) {
  EXPECT_THAT(Refusal({"small.toml", "--set", "data.min_user_events=99"}),
              AllOf(HasSubstr("no user is left"), HasSubstr("data.min_user_events")));
}

TEST_F(SimulationTest, ACohortBeyondThePopulationIsRefused) {
  EXPECT_THAT(Refusal({"small.toml", "--set", "strategy.cohort=31"}),
              AllOf(HasSubstr("strategy.cohort is 31"), HasSubstr("only 30 clients")));
}

TEST_F(SimulationTest, AFolderWithARunIsNotOverwritten) {
  ASSERT_EQ(Run({"small.toml", "--out", "out"}).code, 0);
  const std::string before = *ReadTextFile(Path("out/summary.json"));
  const Ending again = Run({"small.toml", "--out", "out"});
  EXPECT_EQ(again.code, 4);
  EXPECT_THAT(again.err, AllOf(HasSubstr("already holds a run"), HasSubstr("--resume")));
  EXPECT_EQ(*ReadTextFile(Path("out/summary.json")), before);
}

TEST_F(SimulationTest, OutputThatCannotBeWrittenIsAFailedRun) {
  Program::Options command = Command({"rondo-sim", "run", "small.toml", "--out", "out", "--json"});
  command.standard_out = "/dev/full";
  Program run(command);
  EXPECT_EQ(run.Wait(), 1);
  EXPECT_THAT(run.err(), HasSubstr("rondo-sim: cannot write to standard output"));
}

TEST_F(SimulationTest, AnInterruptEndsTheRunWithItsStateSaved) {
  const std::unique_ptr<Program> run = StartLongRun("out");
  run->Signal(SIGINT);
  EXPECT_EQ(run->Wait(), 130);
  EXPECT_THAT(run->out(), IsEmpty());
  EXPECT_THAT(LastLine(run->err()), MatchesRegex("rondo-sim: .*rondo-sim run --resume out"));
  EXPECT_FALSE(std::filesystem::exists(Path("out/summary.json")));
  EXPECT_EQ(Resume("out"), Undisturbed());
}

TEST_F(SimulationTest, AKilledRunResumesToTheSameModelEvenPastABrokenCheckpoint) {
  const std::unique_ptr<Program> run = StartLongRun("out");
  run->Signal(SIGKILL);
  EXPECT_EQ(run->Wait(), 128 + SIGKILL) << "it ended before it could be killed";
  // As if the disk had lost the end of the newest checkpoint.
  const int newest = NewestCheckpoint(Path("out/checkpoints"));
  const auto file = Path(fmt::format("out/checkpoints/round-{:06}.safetensors", newest));
  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
  EXPECT_EQ(Resume("out"), Undisturbed());
}

TEST_F(SimulationTest, AKilledRunFindsWhatItsClientsKept) {
  Write(Path("long.toml"), SmallScenario(100, std::string("cohort = 8") + kStateful));
  const std::unique_ptr<Program> run = StartLongRun("out");
  run->Signal(SIGKILL);
  EXPECT_EQ(run->Wait(), 128 + SIGKILL) << "it ended before it could be killed";
  EXPECT_TRUE(std::filesystem::exists(Path("out/clients")));
  EXPECT_EQ(Resume("out"), Undisturbed());
}

TEST_F(SimulationTest, ARunHasOneProcessAndGoesOnOnlyWithItsOwnData) {
  const std::unique_ptr<Program> run = StartLongRun("out");
  run->Signal(SIGSTOP);
  const Ending second = Run({"--resume", "out"});
  EXPECT_EQ(second.code, 1);
  EXPECT_THAT(second.out, IsEmpty());
  EXPECT_THAT(LastLine(second.err), HasSubstr("out/checkpoints' is in use by another process"));
  run->Signal(SIGKILL);
  EXPECT_EQ(run->Wait(), 128 + SIGKILL);

  Write(Path("data/log.inter"), SmallLog(30, 1));
  const Ending other = Run({"--resume", "out"});
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(LastLine(other.err), HasSubstr("the data are not those that the run in 'out' began"));
}

TEST_F(SimulationTest, AFullDiskEndsTheRunAndWholeCheckpointsServeToResume) {
  const std::unique_ptr<Program> run = StartLongRun("out");
  // Room for rounds.jsonl, not for a checkpoint.
  run->LimitFileSize(24 << 10);
  EXPECT_EQ(run->Wait(), 1) << run->err();
  EXPECT_THAT(run->out(), IsEmpty());
  EXPECT_THAT(
      LastLine(run->err()),
      MatchesRegex(
          "rondo-sim: the checkpoint of round [0-9]+ was not saved, older ones are "
          "untouched: cannot write '[^']*out/checkpoints/[^']*': File too large; "
          "check the space and the permissions there; go on with: rondo-sim run --resume out"));
  for (const auto& entry : std::filesystem::directory_iterator(Path("out/checkpoints"))) {
    EXPECT_NE(entry.path().extension(), ".tmp") << "half a checkpoint is left";
  }
  EXPECT_EQ(Resume("out"), Undisturbed());
}

}  // namespace
}  // namespace rondo::testing
