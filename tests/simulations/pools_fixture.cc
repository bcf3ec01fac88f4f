#include "tests/simulations/pools_fixture.h"

#include <algorithm>
#include <cmath>

#include <boost/asio/io_context.hpp>

#include "common/crypto/sha256.h"
#include "common/data/generator.h"
#include "common/data/partition_files.h"
#include "common/transport/loopback_channel.h"
#include "coordinator/server.h"
#include "simulations/experiment.h"
#include "simulations/virtual_clients.h"
#include "tests/simulations/real_federation.h"
#include "tests/support/run_task.h"
#include "tests/support/tap.h"
#include "tests/support/tls_world.h"

namespace rondo::sim {
namespace {

using coordinator::Aggregator;
using coordinator::ClientPool;
using coordinator::RemoteClients;
using coordinator::RunState;
using coordinator::Strategy;
using ChannelResult = Result<std::shared_ptr<Channel>>;

class ForgetfulSink : public coordinator::CheckpointSink {
 public:
  Status Save(const RunState& /*state*/) override { return Ok(); }
};

class CountingObserver : public coordinator::RoundObserver {
 public:
  void OnRound(const coordinator::RoundReport& report) override {
    contributors.push_back(report.contributors);
  }

  void OnValidation(const coordinator::ValidationReport& /*report*/) override {}

  std::vector<std::size_t> contributors;
};

/// An aggregator that keeps what it is given.
class RecordingAggregator : public Aggregator {
 public:
  RecordingAggregator(std::unique_ptr<Aggregator> inner, std::vector<UpdateSum>& sums)
      : inner_(std::move(inner)),
        sums_(sums) {}

  Status Accumulate(UpdateSum update) override {
    sums_.push_back(update);
    return inner_->Accumulate(std::move(update));
  }

  Result<ParameterVector> Report() && override { return std::move(*inner_).Report(); }

 private:
  std::unique_ptr<Aggregator> inner_;
  std::vector<UpdateSum>& sums_;
};

class RecordingStrategy : public Strategy {
 public:
  explicit RecordingStrategy(std::unique_ptr<Strategy> inner) : inner_(std::move(inner)) {}

  TrainTask PlanTraining(RoundId round, const GridSpec& grid) const override {
    return inner_->PlanTraining(round, grid);
  }

  std::unique_ptr<Aggregator> NewAggregator(
      const coordinator::AggregationRound& round) const override {
    return std::make_unique<RecordingAggregator>(inner_->NewAggregator(round), *sums_);
  }

  std::vector<NamedVector> Extra(const ParameterVector& model,
                                 std::size_t population) const override {
    return inner_->Extra(model, population);
  }

  coordinator::ServerOptimizer& optimizer() override { return inner_->optimizer(); }

  coordinator::Visibility visibility() const override { return inner_->visibility(); }

  std::vector<UpdateSum> Take() { return std::move(*sums_); }

 private:
  std::unique_ptr<Strategy> inner_;
  std::unique_ptr<std::vector<UpdateSum>> sums_ = std::make_unique<std::vector<UpdateSum>>();
};

/// Runs the scenario's rounds on any pool.
Result<PoolRun> Play(boost::asio::io_context& io,
                     ClientPool& pool,
                     const Scenario& scenario,
                     std::shared_ptr<const ParameterLayout> layout,
                     coordinator::SessionFactory sessions) {
  RONDO_TRY(auto composed, Strategy::Create(scenario));
  RecordingStrategy strategy(std::move(composed));
  ForgetfulSink sink;
  CountingObserver observer;
  const SystemClock clock;
  const coordinator::CohortSampler sampler(scenario.strategy, scenario.seed);
  RunState start;
  start.model = InitialParameters(std::move(layout), scenario.seed);
  coordinator::RoundLoop loop({.pool = pool,
                               .strategy = strategy,
                               .checkpoints = sink,
                               .clock = clock,
                               .observer = observer,
                               .sampler = sampler,
                               .new_session = std::move(sessions)},
                              scenario,
                              std::move(start));
  RONDO_TRY(const coordinator::RunOutcome outcome, testing::RunTask(io, loop.Run()));
  const auto rounds = static_cast<std::size_t>(scenario.strategy.rounds);
  EXPECT_EQ(observer.contributors,
            std::vector<std::size_t>(rounds, static_cast<std::size_t>(scenario.strategy.quorum)));
  return PoolRun{.state = outcome.state, .sums = strategy.Take()};
}

Player PlayerOf(const Scenario& scenario) {
  return [scenario](boost::asio::io_context& io,
                    ClientPool& pool,
                    std::shared_ptr<const ParameterLayout> layout,
                    coordinator::SessionFactory sessions) {
    return Play(io, pool, scenario, std::move(layout), std::move(sessions));
  };
}

Task<ChannelResult> ConnectInMemory(boost::asio::any_io_executor executor,
                                    RemoteClients& pool,
                                    ClientId id,
                                    Bytes* heard) {
  LoopbackPair pair = MakeLoopback(executor, id);
  pool.Attach(pair.server_end);
  if (heard != nullptr) {
    co_return std::make_shared<testing::TapChannel>(std::move(pair.client_end), *heard);
  }
  co_return std::move(pair.client_end);
}

Task<ChannelResult> ConnectOverTls(boost::asio::any_io_executor executor,
                                   TlsContext keys,
                                   TlsAddress address,
                                   TimePoint deadline,
                                   Bytes* heard) {
  ChannelResult channel = co_await ConnectTls(executor, keys, address, deadline);
  if (channel && heard != nullptr) {
    co_return std::make_shared<testing::TapChannel>(std::move(*channel), *heard);
  }
  co_return channel;
}

}  // namespace

void PoolsTest::SetUp() {
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
  scenario_.strategy.quorum = 3;
  scenario_.evaluation.every = 0;
  scenario_.checkpoint.every = 1;
  scenario_.engine.threads = 1;
  scenario_.engine.device = "cpu";
  const auto partition = WritePartition(scenario_.data, folder_ / "split");
  ASSERT_TRUE(partition) << partition.error().message;
  clients_ = partition->clients;
  ASSERT_EQ(clients_.size(), 3U);
  scenario_.data.catalogue = partition->catalogue;
}

DataConfig PoolsTest::OwnData(const ClientId& id) const {
  DataConfig config = scenario_.data;
  config.path = folder_.path() / "split" / ClientFolderName(id);
  return config;
}

std::filesystem::path PoolsTest::StateFolder(const ClientId& id) const {
  return folder_.path() / ("state" + std::to_string(runs_)) / id;
}

Result<PoolRun> PoolsTest::RunVirtual(const Scenario& scenario) {
  RONDO_TRY(const std::unique_ptr<Experiment> experiment, PrepareExperiment(scenario));
  RONDO_TRY(const auto strategy, Strategy::Create(experiment->scenario));
  RONDO_TRY(ClientStore store, ClientStore::Open({.model = experiment->layout, .folder = {}}, 0));
  VirtualClients pool({.dataset = experiment->data.dataset,
                       .shards = experiment->shards,
                       .trainer = *experiment->trainer,
                       .model = experiment->model,
                       .visibility = strategy->visibility(),
                       .stop = {},
                       .store = &store,
                       .buffered = scenario.strategy.buffer > 0});
  boost::asio::io_context io(1);
  return Play(
      io, pool, experiment->scenario, experiment->layout, coordinator::ClearSessions(nullptr));
}

Result<PoolRun> PoolsTest::RunLoopback(const Scenario& scenario) {
  ++runs_;
  RONDO_TRY(const auto federation, RealFederation::Create(scenario));
  for (const ClientId& id : clients_) {
    const auto connect = [this, &federation, id](TimePoint) {
      Bytes* heard = tap_ ? &tap_->inside_tls : nullptr;
      return ConnectInMemory(federation->io().get_executor(), federation->pool(), id, heard);
    };
    federation->Join(id, OwnData(id), StateFolder(id), connect);
  }
  return federation->Run(tap_, PlayerOf(scenario));
}

Result<PoolRun> PoolsTest::RunTls(const Scenario& scenario) {
  ++runs_;
  testing::TlsWorld world;
  RONDO_TRY(const auto federation, RealFederation::Create(scenario));
  const boost::asio::any_io_executor executor = federation->io().get_executor();
  RONDO_TRY(auto listener, TlsListener::Listen(executor, world.Server(), "127.0.0.1", 0));
  coordinator::Server server(executor, std::move(listener), federation->pool(), {});
  server.Start();
  std::optional<testing::TapRelay> relay;
  if (tap_) {
    relay.emplace(executor, server.port(), tap_->below_tls);
  }
  const TlsAddress address{.host = "127.0.0.1", .port = relay ? relay->port() : server.port()};
  for (const ClientId& id : clients_) {
    const auto connect = [this, executor, address, keys = world.Client(id)](TimePoint deadline) {
      Bytes* heard = tap_ ? &tap_->inside_tls : nullptr;
      return ConnectOverTls(executor, keys, address, deadline, heard);
    };
    federation->Join(id, OwnData(id), StateFolder(id), connect);
  }
  Result<PoolRun> run = federation->Run(tap_, PlayerOf(scenario));
  relay.reset();
  server.Stop();
  federation->io().restart();
  federation->io().poll();
  return run;
}

double LargestDifference(std::span<const float> a, std::span<const float> b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0.0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]));
  }
  return largest;
}

std::vector<float> MeanDelta(const UpdateSum& sum) {
  std::vector<float> mean;
  for (const double value : GridToReal(sum.blocks.at(0))) {
    mean.push_back(static_cast<float>(value / static_cast<double>(sum.weight)));
  }
  return mean;
}

const std::vector<std::int64_t>& Integers(const UpdateSum& sum) {
  return sum.blocks.at(0).values;
}

}  // namespace rondo::sim
