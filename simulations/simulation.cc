#include "simulations/simulation.h"

#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "coordinator/clear_session.h"
#include "simulations/devices.h"
#include "simulations/rank_orders.h"
#include "simulations/virtual_clients.h"
#include "simulations/virtual_clock.h"

namespace rondo::sim {
namespace {

using coordinator::RunOutcome;

Task<void> RunInto(coordinator::RoundLoop& loop, std::optional<Result<RunOutcome>>& outcome) {
  outcome.emplace(co_await loop.Run());
}

/// Runs the loop to its end on an event loop of its own.
Result<RunOutcome> RunToEnd(coordinator::RoundLoop& loop) {
  boost::asio::io_context context(1);
  std::optional<Result<RunOutcome>> outcome;
  std::exception_ptr thrown;
  boost::asio::co_spawn(
      context, RunInto(loop, outcome), [&](std::exception_ptr exception) { thrown = exception; });
  context.run();
  if (thrown) {
    std::rethrow_exception(thrown);
  }
  return *std::move(outcome);
}

/// Puts what clients keep into files before the checkpoint that relies on them.
class StoreCheckpoints : public coordinator::CheckpointSink {
 public:
  StoreCheckpoints(CheckpointSink& next, ClientStore& store) : next_(next), store_(store) {}

  Status Save(const coordinator::RunState& state) override {
    // The state holds the results of its round, which clients hear only after it is safe.
    for (const auto& [client, round] : store_.Staged()) {
      const auto result = state.results.find(client);
      if (result != state.results.end() && result->second.round == round) {
        RONDO_TRY_STATUS(
            store_.Resolve(client, round, result->second.included && !result->second.is_void));
      }
    }
    RONDO_TRY_STATUS(store_.Flush(state.round));
    RONDO_TRY_STATUS(next_.Save(state));
    store_.Prune();
    return Ok();
  }

 private:
  CheckpointSink& next_;
  ClientStore& store_;
};

}  // namespace

coordinator::RunState FreshState(const Experiment& experiment) {
  coordinator::RunState state;
  state.model = InitialParameters(experiment.layout, experiment.scenario.seed);
  return state;
}

Result<SimulationOutcome> RunSimulation(SimulationParts parts, coordinator::RunState start) {
  Experiment& experiment = parts.experiment;
  const Scenario& scenario = experiment.scenario;
  RONDO_TRY(const std::unique_ptr<coordinator::Strategy> strategy,
            coordinator::Strategy::Create(scenario));
  RONDO_TRY_STATUS(coordinator::Strategy::CheckClients(
      scenario.strategy, experiment.shards.size(), "the number of clients is"));
  RONDO_TRY(ClientStore unkept, ClientStore::Open({.model = experiment.layout, .folder = {}}, 0));
  ClientStore& store = parts.store != nullptr ? *parts.store : unkept;
  StoreCheckpoints checkpoints(parts.checkpoints, store);
  const bool keeps = KeepsVectors(strategy->PlanTraining(1, GridSpec{}), *experiment.layout);
  const DevicesConfig& config = scenario.devices;
  Devices devices(config, scenario.seed);
  VirtualClock virtual_clock(start.simulated);
  const SystemClock system_clock;
  VirtualClients pool(
      VirtualClients::Parts{.dataset = experiment.data.dataset,
                            .shards = experiment.shards,
                            .trainer = *experiment.trainer,
                            .model = experiment.model,
                            .visibility = VisibilityOf(scenario, *strategy),
                            .stop = parts.stop,
                            .ranks = parts.ranks,
                            .attack = experiment.attack.get(),
                            .devices = &devices,
                            .store = &store,
                            .clock = config.virtual_clock ? &virtual_clock : nullptr,
                            .buffered = scenario.strategy.buffer > 0});
  const coordinator::CohortSampler sampler(scenario.strategy, scenario.seed);
  const Clock& clock =
      config.virtual_clock ? static_cast<const Clock&>(virtual_clock) : system_clock;
  coordinator::RoundLoop loop(
      coordinator::RoundLoop::Parts{.pool = pool,
                                    .strategy = *strategy,
                                    .checkpoints = checkpoints,
                                    .clock = clock,
                                    .observer = parts.observer,
                                    .sampler = sampler,
                                    .new_session = coordinator::ClearSessions(nullptr),
                                    .stop = parts.stop,
                                    .wall_clock = config.virtual_clock ? &system_clock : nullptr,
                                    .noise_seed = scenario.seed,
                                    .keep_results = keeps},
      scenario,
      std::move(start));
  RONDO_TRY(RunOutcome outcome, RunToEnd(loop));
  if (parts.ranks != nullptr) {
    SendLastOrder(*parts.ranks);
  }
  return SimulationOutcome{
      .run = std::move(outcome), .bytes_up = pool.bytes_up(), .bytes_down = pool.bytes_down()};
}

}  // namespace rondo::sim
