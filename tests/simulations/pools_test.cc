#include <algorithm>
#include <cmath>
#include <deque>
#include <memory>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include "client/agent.h"
#include "common/crypto/sha256.h"
#include "common/data/generator.h"
#include "common/data/partition_files.h"
#include "common/io/safetensors.h"
#include "common/transport/loopback_channel.h"
#include "coordinator/contribution_decoder.h"
#include "coordinator/remote_clients.h"
#include "simulations/experiment.h"
#include "simulations/simulation.h"
#include "tests/support/run_task.h"
#include "tests/support/temporary_folder.h"

namespace rondo::sim {
namespace {

using coordinator::RunState;

/// Keeps every state that a run saves.
class MemorySink : public coordinator::CheckpointSink {
 public:
  Status Save(const RunState& state) override {
    states.push_back(state);
    return Ok();
  }

  std::vector<RunState> states;
};

class SilentObserver : public coordinator::RoundObserver {
 public:
  void OnRound(const coordinator::RoundReport& report) override {
    contributors.push_back(report.contributors);
  }

  void OnValidation(const coordinator::ValidationReport& /*report*/) override {}

  std::vector<std::size_t> contributors;
};

/// Three institutions with generated logs, as files.
class PoolsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const GeneratorConfig config{.users = 60, .items = 50, .events = 15, .seed = 5};
    const auto generated = GenerateData(config);
    ASSERT_TRUE(generated);
    ASSERT_TRUE(WriteGenerated(*generated, config, folder_ / "source"));
    scenario_.data.path = folder_ / "source";
    scenario_.data.clients = "lognormal:0.5";
    scenario_.data.institutions = 3;
    scenario_.model = {.width = 16, .blocks = 1, .heads = 2, .history = 12, .dropout = 0.0};
    scenario_.client = {.epochs = 2, .batch_size = 8, .learning_rate = 0.5, .device = "cpu"};
    scenario_.strategy.rounds = 3;
    scenario_.evaluation.every = 0;
    scenario_.checkpoint.every = 1;
    scenario_.engine.device = "cpu";
    const auto partition = WritePartition(scenario_.data, folder_ / "split");
    ASSERT_TRUE(partition) << partition.error().message;
    catalogue_ = partition->catalogue;
    clients_ = partition->clients;
    scenario_.data.catalogue = catalogue_;
  }

  Result<RunState> RunVirtual(int threads) {
    Scenario scenario = scenario_;
    scenario.engine.threads = threads;
    RONDO_TRY(const std::unique_ptr<Experiment> experiment, PrepareExperiment(scenario));
    MemorySink sink;
    SilentObserver observer;
    RONDO_TRY(
        const SimulationOutcome outcome,
        RunSimulation(
            {.experiment = *experiment, .checkpoints = sink, .observer = observer, .stop = {}},
            FreshState(*experiment)));
    return outcome.run.state;
  }

  /// The real client code on channels in memory.
  Result<RunState> RunLoopback();

  Scenario scenario_;
  testing::TemporaryFolder folder_;
  std::filesystem::path catalogue_;
  std::vector<ClientId> clients_;
};

/// One client process, less the process: the real agent on a channel in memory.
class LoopbackClient {
 public:
  LoopbackClient(const ClientId& id,
                 DataConfig config,
                 client::ClientState state,
                 const Catalogue& catalogue,
                 coordinator::RemoteClients& pool,
                 boost::asio::any_io_executor executor,
                 boost::asio::thread_pool& workers)
      : id_(id),
        pool_(pool),
        executor_(executor),
        data_(std::move(config)),
        work_({.id = id,
               .data = data_,
               .trainers = CohortTrainer::Create,
               .scorers = MakeModelScorer,
               .engine = {.threads = 1, .device = "cpu"}}),
        state_(std::move(state)),
        agent_({.connect = [this](TimePoint) { return Connect(); },
                .work = work_,
                .state = state_,
                .catalogue = catalogue,
                .limits = {},
                .clock = clock_,
                .executor = executor,
                .workers = workers.get_executor(),
                .backoff =
                    Backoff(std::chrono::milliseconds(1), std::chrono::milliseconds(1), Rng({}))}) {
  }

  Task<Status> Run() { return agent_.Run(); }

  const client::ClientRecord& record() const { return state_.record(); }

 private:
  Task<Result<std::shared_ptr<Channel>>> Connect() {
    LoopbackPair pair = MakeLoopback(executor_, id_);
    pool_.Attach(pair.server_end);
    co_return std::move(pair.client_end);
  }

  ClientId id_;
  coordinator::RemoteClients& pool_;
  boost::asio::any_io_executor executor_;
  SystemClock clock_;
  client::FileDataSource data_;
  client::LocalWork work_;
  client::ClientState state_;
  client::Agent agent_;
};

Result<RunState> PoolsTest::RunLoopback() {
  RONDO_TRY(const Catalogue catalogue, Catalogue::Read(catalogue_));
  RONDO_TRY(const auto layout, ModelLayout(scenario_.model, catalogue.items()));
  boost::asio::io_context io(1);
  boost::asio::thread_pool workers(2);
  coordinator::RemoteClients pool(io.get_executor(),
                                  {.welcome = {.run_id = "pools",
                                               .name = "pools",
                                               .model = scenario_.model,
                                               .catalogue_sha256 = catalogue.sha256(),
                                               .items = catalogue.items(),
                                               .layout_digest = layout->digest(),
                                               .evaluation = scenario_.evaluation,
                                               .strategy = scenario_.strategy,
                                               .rounds = 3},
                                   .contribution_cap = wire::ContributionCap(layout->size())});
  std::deque<LoopbackClient> clients;
  std::vector<std::shared_ptr<std::optional<Status>>> ends;
  for (const ClientId& id : clients_) {
    DataConfig config = scenario_.data;
    config.path = folder_.path() / "split" / ClientFolderName(id);
    RONDO_TRY(client::ClientState state, client::ClientState::Open(folder_.path() / "state" / id));
    clients.emplace_back(
        id, std::move(config), std::move(state), catalogue, pool, io.get_executor(), workers);
    ends.push_back(testing::Start(io, clients.back().Run()));
  }
  Scenario scenario = scenario_;
  scenario.strategy.quorum = static_cast<int>(clients_.size());
  RONDO_TRY(const auto strategy, coordinator::Strategy::Create(scenario));
  MemorySink sink;
  SilentObserver observer;
  const SystemClock clock;
  const coordinator::CohortSampler sampler(scenario.strategy, scenario.seed);
  RunState start;
  start.model = InitialParameters(layout, scenario.seed);
  coordinator::RoundLoop loop(
      {.pool = pool,
       .strategy = *strategy,
       .checkpoints = sink,
       .clock = clock,
       .observer = observer,
       .sampler = sampler,
       .new_session = coordinator::ClearSessions(coordinator::DecodeWireContribution),
       .model_sha256 =
           [](const ParameterVector& model) {
             return Sha256Hex(EncodeParameters(model).value());
           }},
      scenario,
      std::move(start));
  RONDO_TRY(const coordinator::RunOutcome outcome, testing::RunTask(io, loop.Run()));
  EXPECT_EQ(observer.contributors, std::vector<std::size_t>(3, clients_.size()));
  for (std::size_t i = 0; i < clients.size(); ++i) {
    EXPECT_TRUE(testing::Wait(io, ends[i]));
    EXPECT_EQ(clients[i].record().rounds_included, 3U);
  }
  workers.join();
  return outcome.state;
}

double LargestDifference(const ParameterVector& a, const ParameterVector& b) {
  double largest = 0.0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a.values[i]) - b.values[i]));
  }
  return largest;
}

TEST_F(PoolsTest, SimulationAndRealClientsEndWithTheSameModel) {
  const auto simulated = RunVirtual(1);
  ASSERT_TRUE(simulated) << simulated.error().message;
  const auto real = RunLoopback();
  ASSERT_TRUE(real) << real.error().message;

  const ParameterVector initial = InitialParameters(simulated->model.layout, scenario_.seed);
  EXPECT_GT(LargestDifference(simulated->model, initial), 1e-3) << "nothing was trained";
  EXPECT_EQ(simulated->round, 3U);
  EXPECT_LE(LargestDifference(simulated->model, real->model), 1e-6);
}

TEST_F(PoolsTest, ThreadsDoNotChangeABit) {
  const auto one = RunVirtual(1);
  const auto two = RunVirtual(2);
  const auto four = RunVirtual(4);
  ASSERT_TRUE(one && two && four);
  EXPECT_EQ(one->model.values, two->model.values);
  EXPECT_EQ(one->model.values, four->model.values);
}

}  // namespace
}  // namespace rondo::sim
