#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>

#include "coordinator/round_loop.h"
#include "simulations/client_store.h"
#include "simulations/experiment.h"

namespace rondo::sim {

/// Runs the rounds of an experiment on virtual clients.
///
/// `start` is a fresh state or one from a checkpoint; a resumed run ends with the same bits.
/// Errors  those of RoundLoop::Run.
struct SimulationParts {
  Experiment& experiment;
  coordinator::CheckpointSink& checkpoints;
  coordinator::RoundObserver& observer;
  std::stop_token stop;
  MpiRanks* ranks = nullptr;     ///< who wait in ServeOrders; null: nobody
  ClientStore* store = nullptr;  ///< what clients keep between rounds; null: it ends with the run
};

struct SimulationOutcome {
  coordinator::RunOutcome run;
  std::uint64_t bytes_up = 0;
  std::uint64_t bytes_down = 0;
};

Result<SimulationOutcome> RunSimulation(SimulationParts parts, coordinator::RunState start);

/// Round 0: the initial weights of the scenario's seed.
coordinator::RunState FreshState(const Experiment& experiment);

}  // namespace rondo::sim
