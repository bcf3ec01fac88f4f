#include <csignal>
#include <cstdlib>
#include <memory>

#include "tests/programs/world.h"

namespace rondo::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// What a comparison found, without what a clock decides.
boost::json::object Findings(const boost::json::object& comparison) {
  boost::json::object findings = {{"tests", comparison.at("tests")},
                                  {"tuning", comparison.at("tuning")},
                                  {"notes", comparison.at("notes")}};
  for (const boost::json::value& strategy : comparison.at("strategies").as_array()) {
    const std::string name(strategy.at("name").as_string());
    findings[name] = strategy.at("by_seed");
    findings[name + " users"] = strategy.at("over_users");
  }
  return findings;
}

/// Notes are wrapped.
std::string OneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

class ComparisonTest : public ProgramsTest {
 protected:
  ComparisonTest() {
    Write(Path("data/log.inter"), SmallLog(30));
    Write(Path("small.toml"), SmallScenario(8));
    Write(Path("long.toml"), SmallScenario(60));
  }

  Ending Sim(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "rondo-sim");
    return RunToEnd(Command(std::move(arguments)));
  }

  static std::vector<std::string> LongComparison(const std::string& out) {
    return {"compare",
            "long.toml",
            "--strategies",
            "fedavg,fedadam",
            "--seeds",
            "1..2",
            "--no-tuning",
            "--json",
            "--out",
            out};
  }
};

TEST_F(ComparisonTest, TunesComparesAndRepeatsNothing) {
  Write(Path("c.toml"),
        "scenario = \"small.toml\"\nstrategies = [\"fedavg\", \"fedadam\"]\nseeds = [1, 2]\n"
        "target = 0.01\n[tuning]\ngrid = [\"client.learning_rate=x1,x2\"]\n");
  const Ending first = Sim({"compare", "c.toml"});
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_THAT(first.err, AllOf(HasSubstr("trial 4/4"), HasSubstr("run 4/4")));
  EXPECT_THAT(OneLine(first.out),
              AllOf(HasSubstr("fedavg"),
                    HasSubstr("p (Holm)"),
                    HasSubstr("2 seeds cannot give p below 0.5000"),
                    HasSubstr("client.learning_rate: 0.5, 1"),
                    HasSubstr("Report: compare/c/report.html")));
  // Two values: the chosen one is at an end of its grid, whichever it is.
  EXPECT_THAT(first.out,
              ::testing::AnyOf(HasSubstr("client.learning_rate = 0.5 (low)"),
                               HasSubstr("client.learning_rate = 1 (high)")));
  EXPECT_THAT(first.out, Not(HasSubstr("untuned")));
  for (const char* file : {"compare.md", "compare.tex", "compare.csv", "report.html"}) {
    EXPECT_TRUE(std::filesystem::exists(Path("compare/c") / file)) << file;
  }
  EXPECT_THAT(ReadTextFile(Path("compare/c/report.html")).value(),
              AllOf(HasSubstr("Popularity curve"),
                    HasSubstr("Items of a client"),
                    Not(HasSubstr("no pictures of the partition"))));
  const auto trial = Path("compare/c/tuning/fedavg/client.learning_rate=0.5");
  EXPECT_TRUE(ReadJson(trial / "summary.json").at("test").is_null());
  EXPECT_FALSE(std::filesystem::exists(trial / "per_user.tsv")) << "a trial opened the test split";

  const boost::json::object before = ReadJson(Path("compare/c/compare.json"));
  EXPECT_TRUE(before.at("tuned").as_bool());
  const Ending again = Sim({"compare", "c.toml", "--json"});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(again.err, "4 of 4 trials were finished before\n4 of 4 runs were finished before\n");
  EXPECT_EQ(boost::json::parse(again.out).as_object(), before);
}

TEST_F(ComparisonTest, RunsEveryStrategyUnderEveryAttack) {
  Write(Path("c.toml"),
        "scenario = \"small.toml\"\nstrategies = [\"fedavg\", \"median\"]\nseeds = [1]\n"
        "attacks = [\"zero\", \"inf\"]\nsettings = [\"attack.share=0.2\", \"strategy.f=1\"]\n"
        "[tuning]\nenabled = false\n");
  const Ending first = Sim({"compare", "c.toml", "--json"});
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_THAT(first.err, HasSubstr("run 6/6"));
  const boost::json::object json = boost::json::parse(first.out).as_object();
  EXPECT_EQ(json.at("strategies").as_array().size(), 2U) << "tests are over runs without attack";
  const boost::json::object& attacks = json.at("attacks").as_object();
  ASSERT_EQ(attacks.at("rows").as_array().size(), 2U);
  EXPECT_EQ(attacks.at("rows").at(0).at("attack"), "zero");
  EXPECT_GT(attacks.at("rows").at(0).at("kept").at(1).as_double(), 0.0);
  const boost::json::object run = ReadJson(Path("compare/c/median-zero-seed1/summary.json"));
  EXPECT_EQ(run.at("attack").at("name"), "zero");

  // Finished runs give the same grid.
  std::vector<std::string> folders = {"compare", "--json"};
  for (const char* strategy : {"fedavg", "median"}) {
    for (const char* attack : {"", "-zero", "-inf"}) {
      folders.push_back(std::string("compare/c/") + strategy + attack + "-seed1");
    }
  }
  const Ending again = Sim(folders);
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(boost::json::parse(again.out).at("attacks"), json.at("attacks"));

  const Ending wrong = Sim({"compare", "c.toml", "--attacks", "none,zero"});
  EXPECT_EQ(wrong.code, 4);
  EXPECT_THAT(wrong.err, HasSubstr("\"none\" always runs"));
}

TEST_F(ComparisonTest, ARunOfAComparisonIsTheRunAlone) {
  const Ending compared = Sim({"compare",
                               "small.toml",
                               "--strategies",
                               "fedavg,fedyogi",
                               "--seeds",
                               "3",
                               "--no-tuning",
                               "--out",
                               "both"});
  ASSERT_EQ(compared.code, 0) << compared.err;
  EXPECT_THAT(compared.out, HasSubstr("(untuned)"));
  // The scenario file sets a rate for fedadam; the preset of fedyogi has its own.
  const Ending alone = Sim({"run",
                            "small.toml",
                            "--set",
                            "strategy.name=fedyogi",
                            "--set",
                            "strategy.server_learning_rate=1e-3",
                            "--set",
                            "seed=3",
                            "--out",
                            "alone"});
  ASSERT_EQ(alone.code, 0) << alone.err;
  EXPECT_EQ(ModelSha256(ReadJson(Path("both/fedyogi-seed3/summary.json"))),
            ModelSha256(ReadJson(Path("alone/summary.json"))));
}

TEST_F(ComparisonTest, AKilledComparisonGoesOnToTheSameTable) {
  const Ending whole = Sim(LongComparison(Path("whole")));
  ASSERT_EQ(whole.code, 0) << whole.err;
  std::vector<std::string> arguments = LongComparison(Path("cut"));
  arguments.insert(arguments.begin(), "rondo-sim");
  {
    Program compare(Command(arguments, "cut"));
    ASSERT_TRUE(compare.Await([&] {
      return std::filesystem::exists(Path("cut/fedavg-seed1/summary.json"))
             && NewestCheckpoint(Path("cut/fedavg-seed2/checkpoints"))
                        + NewestCheckpoint(Path("cut/fedadam-seed2/checkpoints"))
                    > 0;
    })) << compare.err();
    compare.Signal(SIGKILL);
    EXPECT_EQ(compare.Wait(), 128 + SIGKILL) << "it ended before it could be killed";
  }
  // Its runs go with it; the kernel tells them at its own pace.
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const auto survivors = [&] {
    return ProcessesMentioning(Path("cut").string());
  };
  while (!survivors().empty() && std::chrono::steady_clock::now() < deadline) {}
  EXPECT_THAT(survivors(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(Path("cut/compare.json")));
  const Ending resumed = Sim(LongComparison(Path("cut")));
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("runs were finished before"));
  EXPECT_EQ(Findings(boost::json::parse(resumed.out).as_object()),
            Findings(boost::json::parse(whole.out).as_object()));
}

TEST_F(ComparisonTest, AnInterruptEndsItWithTheWayOn) {
  std::vector<std::string> arguments = LongComparison(Path("cut"));
  arguments.insert(arguments.begin(), "rondo-sim");
  Program compare(Command(arguments, "cut"));
  ASSERT_TRUE(compare.Await([&] {
    return std::filesystem::exists(Path("cut/fedavg-seed1/rounds.jsonl"));
  })) << compare.err();
  compare.Signal(SIGINT);
  EXPECT_EQ(compare.Wait(), 130);
  EXPECT_THAT(LastLine(compare.err()), HasSubstr("the same command goes on"));
  EXPECT_THAT(compare.out(), IsEmpty());
}

TEST_F(ComparisonTest, FinishedRunsOnOtherDataAreRefused) {
  Write(Path("other/log.inter"), SmallLog(30, 1));
  ASSERT_EQ(Sim({"run", "small.toml", "--out", "A"}).code, 0);
  ASSERT_EQ(Sim({"run", "small.toml", "--set", "strategy.name=fedyogi", "--out", "B"}).code, 0);
  ASSERT_EQ(Sim({"run", "small.toml", "--set", "data.path=other", "--out", "C"}).code, 0);
  const Ending compared = Sim({"compare", "A", "B", "--format", "markdown"});
  ASSERT_EQ(compared.code, 0) << compared.err;
  EXPECT_THAT(compared.out, AllOf(HasSubstr("| fedadam |"), HasSubstr("| fedyogi |")));
  const Ending refused = Sim({"compare", "A", "C"});
  EXPECT_EQ(refused.code, 4);
  EXPECT_THAT(refused.out, IsEmpty());
  EXPECT_THAT(refused.err, AllOf(HasSubstr("'A' and 'C' cannot be paired"), HasSubstr("differs")));
  const Ending itself = Sim({"compare", "A", "A", "--json"});
  ASSERT_EQ(itself.code, 0) << itself.err;
  const boost::json::object json = boost::json::parse(itself.out).as_object();
  EXPECT_EQ(json.at("tests").at(0).at("p").to_number<double>(), 1.0);
  EXPECT_EQ(json.at("tests").at(0).at("verdict").as_string(), "no difference");
}

TEST_F(ComparisonTest, WrongCommandLinesEndWithFour) {
  const auto refusal = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "compare");
    const Ending end = Sim(std::move(arguments));
    EXPECT_EQ(end.code, 4) << end.err;
    EXPECT_THAT(end.out, IsEmpty());
    EXPECT_FALSE(std::filesystem::exists(Path("compare/small/fedavg-seed1")));
    return end.err;
  };
  EXPECT_THAT(refusal({"small.toml", "--strategies", "fedavg,fedadam", "--seeds", "1..x"}),
              HasSubstr("'1..x' is no seed"));
  EXPECT_THAT(refusal({"small.toml", "--strategies", "fedavg,fedadm", "--no-tuning"}),
              HasSubstr("there is no strategy 'fedadm'; did you mean 'fedadam'?"));
  EXPECT_THAT(refusal({"small.toml"}), HasSubstr("at least two strategies"));
  EXPECT_THAT(refusal({"small.toml", "--strategies", "fedavg,fedadam", "--set", "model.widht=4"}),
              HasSubstr("did you mean 'width'?"));
}

TEST_F(ComparisonTest, AFolderWithOtherRunsIsNotReadAsThese) {
  const std::vector<std::string> arguments = {
      "compare", "small.toml", "--strategies", "fedavg,fedadam", "--seeds", "1", "--no-tuning"};
  ASSERT_EQ(Sim(arguments).code, 0);
  std::vector<std::string> other = arguments;
  other.insert(other.end(), {"--set", "model.width=8"});
  const Ending refused = Sim(other);
  EXPECT_EQ(refused.code, 4);
  EXPECT_THAT(refused.err,
              AllOf(HasSubstr("compare/small/fedavg-seed1"),
                    HasSubstr("model.width = 16, but 8 is asked for")));
}

TEST_F(ComparisonTest, ASweepOrdersTrialsByValidation) {
  const std::vector<std::string> arguments = {"sweep",
                                              "small.toml",
                                              "--grid",
                                              "strategy.server_learning_rate=x0.01,x1",
                                              "--random",
                                              "model.dropout=0..0.5",
                                              "--trials",
                                              "2",
                                              "--json"};
  const Ending sweep = Sim(arguments);
  ASSERT_EQ(sweep.code, 0) << sweep.err;
  const boost::json::object json = boost::json::parse(sweep.out).as_object();
  const boost::json::array& trials = json.at("trials").as_array();
  ASSERT_EQ(trials.size(), 4U);
  for (std::size_t i = 1; i < trials.size(); ++i) {
    EXPECT_GE(trials[i - 1].at("validation_ndcg@10").to_number<double>(),
              trials[i].at("validation_ndcg@10").to_number<double>());
  }
  for (const auto& entry : std::filesystem::directory_iterator(Path("sweep/small"))) {
    EXPECT_FALSE(std::filesystem::exists(entry.path() / "per_user.tsv"));
  }
  const Ending again = Sim(arguments);
  EXPECT_EQ(again.err, "4 of 4 trials were finished before\n");
  EXPECT_EQ(again.out, sweep.out);
}

TEST_F(ComparisonTest, ATrialThatDivergesIsListedLastAndNotRepeated) {
  const std::vector<std::string> arguments = {"sweep",
                                              "small.toml",
                                              "--grid",
                                              "client.learning_rate=1e38,0.5",
                                              "--set",
                                              "strategy.name=fedavg",
                                              "--set",
                                              "client.steps=2",
                                              "--set",
                                              "strategy.max_void_rounds=2"};
  const Ending sweep = Sim(arguments);
  ASSERT_EQ(sweep.code, 0) << sweep.err;
  EXPECT_LT(sweep.out.find("   0.5 "), sweep.out.find("  1e38  diverged"));
  EXPECT_THAT(sweep.out, HasSubstr("  1e38  diverged"));
  EXPECT_THAT(Sim(arguments).err, HasSubstr("2 of 2 trials were finished before"));
}

TEST_F(ComparisonTest, OccupationsOfMovieLensAreDrawnAsAWhole) {
  const char* data = std::getenv("RONDO_DATA");  // NOLINT(concurrency-mt-unsafe): one thread
  if (data == nullptr) {
    GTEST_SKIP() << "RONDO_DATA names no folder with ml-100k";
  }
  const Ending end = Sim({"compare",
                          "small.toml",
                          "--strategies",
                          "fedavg,fedadam",
                          "--seeds",
                          "1",
                          "--no-tuning",
                          "--json",
                          "--set",
                          "data.path=" + std::string(data) + "/ml-100k",
                          "--set",
                          "data.clients=column:occupation",
                          "--set",
                          "strategy.cohort=0",
                          "--set",
                          "strategy.rounds=2"});
  ASSERT_EQ(end.code, 0) << end.err;
  const boost::json::object json = boost::json::parse(end.out).as_object();
  EXPECT_EQ(json.at("unit").as_string(), "institution");
  EXPECT_EQ(json.at("institutions").to_number<int>(), 21);
  EXPECT_EQ(json.at("users").to_number<int>(), 943);
}

}  // namespace
}  // namespace rondo::testing
