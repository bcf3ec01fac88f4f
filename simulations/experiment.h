#pragma once

#include <memory>
#include <vector>

#include "common/config/scenario.h"
#include "common/data/dataset.h"
#include "common/model/trainer.h"
#include "simulations/attack_lab.h"
#include "simulations/client_store.h"
#include "simulations/mpi_ranks.h"

namespace rondo::sim {

/// Everything a simulation needs before its first round: data, clients, model shape and trainer.
struct Experiment {
  Scenario scenario;  ///< resolved: thread count and device are set
  DeviceInfo device;
  LoadedData data;
  std::vector<ClientShard> shards;  ///< clients with at least one training position
  std::size_t idle_clients = 0;     ///< clients without any
  std::shared_ptr<const ParameterLayout> layout;
  CohortTrainer::Options model;
  std::unique_ptr<CohortTrainer> trainer;
  std::unique_ptr<AttackLab> attack;  ///< null: every client is honest
};

/// Where a run in `folder` keeps what its clients keep.
ClientStore::Options StoreOptions(const Experiment& experiment,
                                  const std::filesystem::path& folder);

/// Loads the data of a scenario and builds its trainer, which shares its work with `ranks` (null:
/// with nobody).
/// Errors  those of LoadData; kInvalidArgument for a cohort larger than the population.
Result<std::unique_ptr<Experiment>> PrepareExperiment(const Scenario& scenario,
                                                      MpiRanks* ranks = nullptr);

}  // namespace rondo::sim
