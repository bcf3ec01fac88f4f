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
                            .clock = config.virtual_clock ? &virtual_clock : nullptr,
                            .buffered = scenario.strategy.buffer > 0});
  const coordinator::CohortSampler sampler(scenario.strategy, scenario.seed);
  const Clock& clock =
      config.virtual_clock ? static_cast<const Clock&>(virtual_clock) : system_clock;
  coordinator::RoundLoop loop(
      coordinator::RoundLoop::Parts{.pool = pool,
                                    .strategy = *strategy,
                                    .checkpoints = parts.checkpoints,
                                    .clock = clock,
                                    .observer = parts.observer,
                                    .sampler = sampler,
                                    .new_session = coordinator::ClearSessions(nullptr),
                                    .stop = parts.stop,
                                    .wall_clock = config.virtual_clock ? &system_clock : nullptr},
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
