#include <functional>

#include "simulations/simulation.h"
#include "tests/simulations/pools_fixture.h"
#include "tests/support/loop_fixture.h"

/// What simulated clients keep, over whole runs.
namespace rondo::sim {
namespace {

using rondo::testing::MemorySink;
using rondo::testing::RecordingObserver;

class ClientStateTest : public PoolsTest {
 protected:
  void SetUp() override {
    PoolsTest::SetUp();
    scenario_.strategy.rounds = 6;
    scenario_.checkpoint.every = 2;
    scenario_.client.learning_rate = 0.1;
  }

  /// Plays up to `rounds`, going on from `start`, with what clients keep in `folder`.
  Result<coordinator::RunState> Run(int rounds,
                                    const std::string& folder,
                                    std::optional<coordinator::RunState> start = {}) {
    Scenario scenario = scenario_;
    scenario.strategy.rounds = rounds;
    RONDO_TRY(const std::unique_ptr<Experiment> experiment, PrepareExperiment(scenario));
    coordinator::RunState state = start ? *std::move(start) : FreshState(*experiment);
    RONDO_TRY(ClientStore store,
              ClientStore::Open(StoreOptions(*experiment, folder_ / folder), state.round));
    MemorySink sink;
    RecordingObserver observer;
    RONDO_TRY(SimulationOutcome outcome,
              RunSimulation({.experiment = *experiment,
                             .checkpoints = sink,
                             .observer = observer,
                             .stop = {},
                             .store = &store},
                            std::move(state)));
    return std::move(outcome.run.state);
  }

  void ExpectResumedRunEndsWithTheSameBits() {
    const auto whole = Run(6, "whole");
    ASSERT_TRUE(whole) << whole.error().message;
    auto half = Run(3, "half");
    ASSERT_TRUE(half) << half.error().message;
    // Rounds after the checkpoint, which the crash undoes.
    ASSERT_TRUE(Run(5, "half", *half));
    const auto resumed = Run(6, "half", *half);
    ASSERT_TRUE(resumed) << resumed.error().message;
    EXPECT_EQ(resumed->model.values, whole->model.values);
    EXPECT_NE(half->model.values, whole->model.values);
  }
};

TEST_F(ClientStateTest, ScaffoldGoesOnWithTheSameBits) {
  scenario_.strategy.objective = "control_variates";
  ExpectResumedRunEndsWithTheSameBits();
}

TEST_F(ClientStateTest, FedDynGoesOnWithTheSameBits) {
  scenario_.strategy.objective = "dynamic";
  scenario_.strategy.dynamic_alpha = 0.05;
  ExpectResumedRunEndsWithTheSameBits();
}

TEST_F(ClientStateTest, ErrorFeedbackGoesOnWithTheSameBits) {
  scenario_.compression.stages = {"top_k", "quantise"};
  scenario_.compression.top_k = 0.1;
  ExpectResumedRunEndsWithTheSameBits();
}

TEST_F(ClientStateTest, PersonalParametersGoOnWithTheSameBits) {
  scenario_.model.personal = {"norm.", "blocks.0."};
  ExpectResumedRunEndsWithTheSameBits();
}

TEST_F(ClientStateTest, VoidRoundsKeepEveryState) {
  scenario_.strategy.objective = "control_variates";
  scenario_.devices.drop_out = 0.25;
  scenario_.strategy.max_void_rounds = 6;
  const auto whole = Run(6, "whole");
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_GT(whole->void_rounds, 0U);
  EXPECT_LT(whole->void_rounds, 6U);
  ExpectResumedRunEndsWithTheSameBits();
}

TEST_F(ClientStateTest, BuffersWithErrorFeedbackRun) {
  scenario_.strategy.buffer = 2;
  scenario_.strategy.quorum = 1;
  scenario_.devices.virtual_clock = true;
  scenario_.compression.stages = {"top_k"};
  const auto buffered = Run(6, "buffered");
  ASSERT_TRUE(buffered) << buffered.error().message;
  EXPECT_EQ(buffered->void_rounds, 0U);
  // Every client has answered some round, and keeps what it did not send.
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder_ / "buffered" / "clients")) {
    files += entry.path().extension() == ".safetensors" ? 1 : 0;
  }
  EXPECT_GE(files, 3U);
}

TEST_F(ClientStateTest, TheMemoryLimitChangesNoBit) {
  scenario_.strategy.objective = "dynamic";
  scenario_.strategy.dynamic_alpha = 0.05;
  const auto roomy = Run(6, "roomy");
  ASSERT_TRUE(roomy) << roomy.error().message;
  ASSERT_TRUE(std::filesystem::exists(folder_ / "roomy" / "clients"));

  const auto experiment = PrepareExperiment(scenario_);
  ASSERT_TRUE(experiment);
  ClientStore::Options options = StoreOptions(**experiment, folder_ / "tight");
  options.memory = 1;
  auto store = ClientStore::Open(options, 0);
  ASSERT_TRUE(store);
  MemorySink sink;
  RecordingObserver observer;
  const auto tight = RunSimulation({.experiment = **experiment,
                                    .checkpoints = sink,
                                    .observer = observer,
                                    .stop = {},
                                    .store = &*store},
                                   FreshState(**experiment));
  ASSERT_TRUE(tight) << tight.error().message;
  EXPECT_EQ(tight->run.state.model.values, roomy->model.values);
}

}  // namespace
}  // namespace rondo::sim
