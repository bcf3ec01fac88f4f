#include "simulations/experiment.h"

#include <algorithm>

#include "common/core/workers.h"
#include "common/federated/compression.h"
#include "coordinator/strategy.h"

namespace rondo::sim {
namespace {

bool HasPosition(const ClientShard& shard, const Dataset& dataset) {
  return std::any_of(shard.users.begin(), shard.users.end(), [&](std::uint32_t user) {
    return dataset.users[user].Trains();
  });
}

Status KeepTrainableClients(Experiment& experiment) {
  std::vector<ClientShard>& shards = experiment.shards;
  const std::size_t before = shards.size();
  std::erase_if(shards, [&](const ClientShard& shard) {
    return !HasPosition(shard, experiment.data.dataset);
  });
  experiment.idle_clients = before - shards.size();
  const int cohort = experiment.scenario.strategy.cohort;
  if (cohort > 0 && static_cast<std::size_t>(cohort) > shards.size()) {
    return Fail(ErrorCode::kInvalidArgument,
                "strategy.cohort is " + std::to_string(cohort) + " but the data give only "
                    + std::to_string(shards.size())
                    + " clients with training positions; lower it, or use 0 for all");
  }
  return Ok();
}

/// Ranks are sent the model and clients' numbers alone.
Status CheckRanks(const Experiment& experiment) {
  RONDO_TRY(const auto strategy, coordinator::Strategy::Create(experiment.scenario));
  const TrainTask task = strategy->PlanTraining(1, GridSpec{});
  const char* const key = experiment.scenario.evaluation.fine_tune > 0 ? "evaluation.fine_tune"
                          : task.control_variates || task.dynamic_alpha > 0.0 ? "strategy.objective"
                          : !task.compression.stages.empty()                  ? "compression.stages"
                          : NeedsSingleDeltas(task, *experiment.layout)
                              ? "model.personal and model.frozen"
                              : nullptr;
  return key == nullptr
             ? Ok()
             : Fail(ErrorCode::kUnsupported,
                    std::string(key)
                        + ": not with several ranks, among whom only sums travel; start one "
                          "process, with engine.threads for more cores");
}

}  // namespace

ClientStore::Options StoreOptions(const Experiment& experiment,
                                  const std::filesystem::path& folder) {
  const Scenario& scenario = experiment.scenario;
  return {.model = experiment.layout,
          .folder = folder / "clients",
          .memory = static_cast<std::uint64_t>(scenario.engine.memory_mib) << 20,
          .kept_rounds = static_cast<RoundId>(scenario.checkpoint.every)
                         * static_cast<RoundId>(scenario.checkpoint.keep)};
}

Result<std::unique_ptr<Experiment>> PrepareExperiment(const Scenario& scenario, MpiRanks* ranks) {
  auto experiment = std::make_unique<Experiment>();
  experiment->scenario = scenario;
  Scenario& resolved = experiment->scenario;
  if (resolved.engine.threads == 0) {
    resolved.engine.threads = UsableCores();
  }
  RONDO_TRY(experiment->device, PrepareTorch(resolved.engine));
  if (ranks != nullptr) {
    experiment->device.device = DeviceOfRank(experiment->device.device, ranks->local_index());
  }
  resolved.engine.device = experiment->device.device;
  RONDO_TRY(experiment->data, LoadData(resolved.data));
  const Dataset& dataset = experiment->data.dataset;
  RONDO_TRY(experiment->shards, PartitionClients(dataset, resolved.data));
  RONDO_TRY_STATUS(KeepTrainableClients(*experiment));

  const std::int64_t items = dataset.catalogue->items();
  RONDO_TRY(auto features, MakeItemFeatures(*dataset.catalogue, resolved.model.features));
  experiment->model = {.model = resolved.model,
                       .items = items,
                       .engine = resolved.engine,
                       .features = std::move(features),
                       .ranks = ranks};
  RONDO_TRY(experiment->layout, LayoutOf(experiment->model));
  RONDO_TRY_STATUS(CheckCompression(resolved.compression, SharedLayout(experiment->layout)));
  if (ranks != nullptr && ranks->count() > 1) {
    RONDO_TRY_STATUS(CheckRanks(*experiment));
  }
  RONDO_TRY(experiment->trainer, CohortTrainer::Create(experiment->model));
  RONDO_TRY(experiment->attack, AttackLab::Create(resolved, dataset, experiment->shards));
  return experiment;
}

}  // namespace rondo::sim
