#include <csignal>
#include <cstdlib>
#include <utility>

#include "tests/programs/world.h"

/// Simulations on many ranks, as mpirun starts them.
namespace rondo::testing {
namespace {

using ::testing::HasSubstr;

class RanksProgramTest : public ProgramsTest {
 protected:
  RanksProgramTest() {
    // More ranks than cores, and, in a container, by root.
    for (const char* name : {"OMPI_ALLOW_RUN_AS_ROOT",
                             "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM",
                             "OMPI_MCA_rmaps_base_oversubscribe",
                             "OMPI_MCA_mpi_yield_when_idle"}) {
      ::setenv(name, "1", 1);
    }
    Write(Path("data/log.inter"), SmallLog(30));
    Write(Path("small.toml"), SmallScenario(12));
    Write(Path("long.toml"), SmallScenario(100));
  }

  Program::Options Mpirun(int ranks, std::vector<std::string> arguments) const {
    std::vector<std::string> all = {
        RONDO_MPIRUN, "-n", std::to_string(ranks), std::string(RONDO_PROGRAMS) + "/rondo-sim"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return Command(std::move(all));
  }

  boost::json::object RunOn(int ranks, std::vector<std::string> arguments) const {
    const std::string out = "out" + std::to_string(ranks);
    arguments.insert(arguments.begin(), "run");
    arguments.insert(arguments.end(), {"--out", out, "--json"});
    const Ending end = RunToEnd(Mpirun(ranks, std::move(arguments)));
    EXPECT_EQ(end.code, 0) << end.err;
    EXPECT_EQ(Lines(end.out), 1U) << "one rank writes";
    boost::json::object summary = boost::json::parse(end.out).as_object();
    EXPECT_EQ(summary, ReadJson(Path(out + "/summary.json")));
    return summary;
  }

  /// The process of a rank of the run into `out`.
  static pid_t ProcessOf(int rank, const std::string& out) {
    const std::string sign = "OMPI_COMM_WORLD_RANK=" + std::to_string(rank);
    for (const pid_t pid : ProcessesMentioning(out)) {
      const auto environment = ReadTextFile("/proc/" + std::to_string(pid) + "/environ");
      if (environment && environment->find(sign) != std::string::npos) {
        return pid;
      }
    }
    ADD_FAILURE() << "no process of rank " << rank;
    return -1;
  }
};

TEST_F(RanksProgramTest, OneTwoAndFourRanksWriteTheSameRun) {
  const std::vector<std::vector<std::string>> kinds = {
      {"small.toml"},
      {"small.toml", "--set", "client.steps=3", "--set", "privacy.clip_norm=0.1"},
      {"small.toml", "--set", "devices.virtual_clock=true", "--set", "strategy.over_selection=1.5"},
      {"small.toml", "--set", "devices.virtual_clock=true", "--set", "strategy.buffer=3"}};
  for (const std::vector<std::string>& kind : kinds) {
    const boost::json::object one = RunOn(1, kind);
    const std::string users = *ReadTextFile(Path("out1/per_user.tsv"));
    for (const int ranks : {2, 4}) {
      const boost::json::object more = RunOn(ranks, kind);
      EXPECT_EQ(ModelSha256(more), ModelSha256(one)) << ranks;
      EXPECT_EQ(more.at("test"), one.at("test")) << ranks;
      EXPECT_EQ(more.at("selected_round"), one.at("selected_round")) << ranks;
      EXPECT_EQ(*ReadTextFile(Path("out" + std::to_string(ranks) + "/per_user.tsv")), users);
    }
    for (const int ranks : {1, 2, 4}) {
      std::filesystem::remove_all(Path("out" + std::to_string(ranks)));
    }
  }
}

TEST_F(RanksProgramTest, AKilledRankEndsTheRunAndItGoesOnFromItsCheckpoint) {
  const Ending undisturbed =
      RunToEnd(Command({"rondo-sim", "run", "long.toml", "--out", "undisturbed", "--json"}));
  ASSERT_EQ(undisturbed.code, 0) << undisturbed.err;
  for (const int killed : {0, 1}) {
    const std::string out = "killed" + std::to_string(killed);
    Program job(Mpirun(2, {"run", "long.toml", "--out", out}));
    ASSERT_TRUE(job.Await([&] { return NewestCheckpoint(Path(out + "/checkpoints")) >= 8; }));
    ASSERT_EQ(::kill(ProcessOf(killed, out), SIGKILL), 0);
    EXPECT_NE(job.Wait(), 0);
    EXPECT_THAT(job.err(), HasSubstr("process rank " + std::to_string(killed)));
    EXPECT_THAT(job.err(), HasSubstr("signal 9"));
    EXPECT_TRUE(ProcessesMentioning(Path(out).string()).empty());

    const Ending resumed = RunToEnd(Mpirun(2, {"run", "--resume", out, "--json"}));
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_EQ(ModelSha256(boost::json::parse(resumed.out).as_object()),
              ModelSha256(boost::json::parse(undisturbed.out).as_object()));
  }
}

TEST_F(RanksProgramTest, WhatIsWrongIsSaidOnceAndEndsEveryRank) {
  const Ending end =
      RunToEnd(Mpirun(3, {"run", "small.toml", "--set", "data.path=nowhere", "--out", "out"}));
  EXPECT_EQ(end.code, 4);
  const std::size_t first = end.err.find("rondo-sim: ");
  ASSERT_NE(first, std::string::npos) << end.err;
  EXPECT_THAT(end.err, HasSubstr("nowhere"));
  EXPECT_EQ(end.err.find("rondo-sim: ", first + 1), std::string::npos) << end.err;
}

TEST_F(RanksProgramTest, WhatOnlySumsCannotCarryIsRefused) {
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"strategy.objective=control_variates", "strategy.objective"},
      {"compression.stages=[\"quantise\"]", "compression.stages"},
      {"model.personal=[\"norm.\"]", "model.personal"},
      {"evaluation.fine_tune=1", "evaluation.fine_tune"}};
  for (const auto& [setting, key] : refused) {
    const Ending end = RunToEnd(Mpirun(2, {"run", "small.toml", "--set", setting, "--out", "out"}));
    EXPECT_EQ(end.code, 4) << end.err;
    EXPECT_THAT(end.err, HasSubstr("rondo-sim: " + key));
    EXPECT_THAT(end.err, HasSubstr("not with several ranks"));
  }
}

TEST_F(RanksProgramTest, ARankThatDiffersFromTheFirstIsNamed) {
  Write(Path("other/log.inter"), SmallLog(29));
  const std::string program = std::string(RONDO_PROGRAMS) + "/rondo-sim";
  const std::vector<std::pair<std::string, std::string>> differences = {
      {"data.path=other", "rondo-sim: rank 1 of 2: the data differ"},
      {"engine.memory_mib=16", "rondo-sim: rank 1 of 2: the scenario differs"}};
  for (const auto& [setting, message] : differences) {
    const std::vector<std::string> run = {"-n", "1", program, "run", "small.toml", "--out", "out"};
    std::vector<std::string> arguments = {RONDO_MPIRUN};
    arguments.insert(arguments.end(), run.begin(), run.end());
    arguments.emplace_back(":");
    arguments.insert(arguments.end(), run.begin(), run.end());
    arguments.insert(arguments.end(), {"--set", setting});
    const Ending end = RunToEnd(Command(std::move(arguments)));
    EXPECT_NE(end.code, 0);
    EXPECT_THAT(end.err, HasSubstr(message));
    std::filesystem::remove_all(Path("out"));
  }
}

TEST_F(RanksProgramTest, SigtermSavesTheRunOnAnyNumberOfRanks) {
  const Ending undisturbed =
      RunToEnd(Command({"rondo-sim", "run", "long.toml", "--out", "undisturbed", "--json"}));
  ASSERT_EQ(undisturbed.code, 0) << undisturbed.err;
  for (const bool all : {false, true}) {
    const std::string out = all ? "all" : "first";
    Program job(Mpirun(2, {"run", "long.toml", "--out", out}));
    ASSERT_TRUE(job.Await([&] { return NewestCheckpoint(Path(out + "/checkpoints")) >= 8; }));
    const pid_t other = ProcessOf(1, out);
    ASSERT_EQ(::kill(all ? other : ProcessOf(0, out), SIGTERM), 0);
    if (all) {
      ASSERT_EQ(::kill(ProcessOf(0, out), SIGTERM), 0);
    }
    EXPECT_NE(job.Wait(), 0);
    EXPECT_THAT(job.err(), HasSubstr("go on with: rondo-sim run --resume"));

    const Ending resumed = RunToEnd(Mpirun(2, {"run", "--resume", out, "--json"}));
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_EQ(ModelSha256(boost::json::parse(resumed.out).as_object()),
              ModelSha256(boost::json::parse(undisturbed.out).as_object()));
  }
}

TEST_F(RanksProgramTest, ALauncherThatThisMpiDoesNotKnowIsRefused) {
  // What Slurm sets when it starts four tasks without telling MPI.
  ::setenv("SLURM_STEP_NUM_TASKS", "4", 1);
  const Ending end = RunToEnd(Command({"rondo-sim", "run", "small.toml", "--out", "out"}));
  ::unsetenv("SLURM_STEP_NUM_TASKS");
  EXPECT_NE(end.code, 0);
  EXPECT_THAT(end.err, HasSubstr("rondo-sim: started as one of 4 processes, but MPI sees 1"));
  EXPECT_FALSE(std::filesystem::exists(Path("out")));
}

}  // namespace
}  // namespace rondo::testing
