#include "simulations/virtual_clients.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/federated/steps_block.h"
#include "common/metrics/metrics_block.h"
#include "simulations/evaluation.h"

namespace rondo::sim {
namespace {

using coordinator::DropEvent;
using coordinator::PackEvent;
using coordinator::PoolEvent;

/// Mean training loss over clients, as the reports of a federation would give it.
double MeanLoss(const std::vector<ClientReport>& reports) {
  if (reports.empty()) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  double sum = 0.0;
  for (const ClientReport& report : reports) {
    sum += report.loss;
  }
  return sum / static_cast<double>(reports.size());
}

std::vector<ClientId> IdsOf(const std::vector<ClientReport>& reports) {
  std::vector<ClientId> ids;
  ids.reserve(reports.size());
  for (const ClientReport& report : reports) {
    ids.push_back(report.id);
  }
  return ids;
}

}  // namespace

VirtualClients::VirtualClients(Parts parts) : parts_(std::move(parts)) {
  for (const ClientShard& shard : parts_.shards) {
    shards_.emplace(shard.id, &shard);
  }
}

std::vector<ClientId> VirtualClients::Available() const {
  std::vector<ClientId> ids = Evaluators();
  if (parts_.clock != nullptr) {
    std::erase_if(ids, [this](const ClientId& id) {
      return !parts_.devices->IsThere(id, parts_.clock->Now());
    });
  }
  return ids;
}

std::vector<ClientId> VirtualClients::Evaluators() const {
  std::vector<ClientId> ids;
  ids.reserve(shards_.size());
  for (const auto& [id, shard] : shards_) {
    ids.push_back(id);
  }
  return ids;
}

Task<Status> VirtualClients::WaitFor(std::size_t count, TimePoint deadline) {
  if (count > shards_.size()) {
    co_return Fail(ErrorCode::kTooFewClients,
                   "a round needs " + std::to_string(count) + " clients, the simulation has "
                       + std::to_string(shards_.size()));
  }
  if (parts_.clock != nullptr && Available().size() < count) {
    parts_.clock->AdvanceTo(deadline);
    co_return Fail(ErrorCode::kTimeout, "too few clients are there at this hour");
  }
  co_return Ok();
}

Status VirtualClients::Work(const std::vector<ClientId>& clients,
                            const Offer& offer,
                            const Broadcast& broadcast) {
  events_.clear();
  std::vector<const ClientShard*> cohort;
  cohort.reserve(clients.size());
  for (const ClientId& id : clients) {
    cohort.push_back(shards_.at(id));
  }
  return WorkOn(cohort, offer, broadcast);
}

Status VirtualClients::WorkOn(const std::vector<const ClientShard*>& cohort,
                              const Offer& offer,
                              const Broadcast& broadcast) {
  return offer.kind == OfferKind::kTrain ? Train(cohort, offer.train, broadcast)
                                         : Evaluate(cohort, offer.evaluate, broadcast);
}

ClientData VirtualClients::DataOf(const ClientShard& shard) const {
  ClientData client{.id = shard.id};
  for (const std::uint32_t user : shard.users) {
    client.Add(parts_.dataset.users[user]);
  }
  return client;
}

void VirtualClients::Send(const ClientId& /*client*/, Bytes /*payload*/) {}

Status VirtualClients::Train(const std::vector<const ClientShard*>& cohort,
                             const TrainTask& task,
                             const Broadcast& broadcast) {
  std::vector<ClientData> clients;
  clients.reserve(cohort.size());
  for (const ClientShard* shard : cohort) {
    clients.push_back(DataOf(*shard));
  }
  AttackLab* const attack = parts_.attack;
  const bool forges = attack != nullptr && attack->Forges();
  const UpdateVisibility visibility =
      parts_.visibility == coordinator::Visibility::kSumOnly && !forges
          ? UpdateVisibility::kSumOnly
          : UpdateVisibility::kIndividual;
  if (attack != nullptr) {
    attack->PoisonData(clients, task.round);
  }
  RONDO_TRY(CohortOutcome outcome,
            parts_.trainer.Train(broadcast, clients, task, visibility, parts_.stop));
  if (forges) {
    attack->ForgeUpdates(task, *broadcast.model.layout, outcome);
  }
  for (const auto& [id, why] : outcome.failed) {
    events_.emplace_back(DropEvent{.client = id, .round = task.round, .why = why});
  }
  bytes_up_ += outcome.clients.size() * BytesOf(broadcast);
  if (visibility == UpdateVisibility::kIndividual) {
    return PushSingles(outcome, task, broadcast);
  }
  if (!outcome.clients.empty()) {
    events_.emplace_back(PackEvent{.round = task.round,
                                   .clients = IdsOf(outcome.clients),
                                   .sum = std::move(outcome.sum),
                                   .loss = MeanLoss(outcome.clients)});
  }
  return Ok();
}

Status VirtualClients::PushSingles(const CohortOutcome& outcome,
                                   const TrainTask& task,
                                   const Broadcast& broadcast) {
  for (std::size_t i = 0; i < outcome.clients.size(); ++i) {
    const ClientReport& report = outcome.clients[i];
    UpdateSum sum{.weight = report.weight, .contributors = 1};
    sum.blocks.push_back(
        MakeBlock(std::string(kDeltaBlock), broadcast.model.layout, task.grid, Scaling::kByWeight));
    Rng rounding(StreamName{.seed = task.seed,
                            .round = task.round,
                            .client = HashId(report.id),
                            .purpose = Purpose::kRounding});
    Result<std::uint64_t> saturated =
        FoldDense(sum.blocks.front(), outcome.deltas[i], report.weight, &rounding);
    if (!saturated) {
      events_.emplace_back(
          DropEvent{.client = report.id, .round = task.round, .why = saturated.error()});
      continue;
    }
    sum.saturated = *saturated;
    if (task.normalise) {
      RONDO_TRY_STATUS(AddStepsBlock(sum, task.grid, report.steps, report.weight, &rounding));
    }
    events_.emplace_back(PackEvent{
        .round = task.round, .clients = {report.id}, .sum = std::move(sum), .loss = report.loss});
  }
  return Ok();
}

Status VirtualClients::Evaluate(const std::vector<const ClientShard*>& cohort,
                                const EvaluateTask& task,
                                const Broadcast& broadcast) {
  std::vector<std::uint32_t> users;
  std::vector<ClientId> ids;
  for (const ClientShard* shard : cohort) {
    users.insert(users.end(), shard->users.begin(), shard->users.end());
    ids.push_back(shard->id);
  }
  RONDO_TRY(const std::vector<UserMetrics> metrics,
            EvaluateModel({.options = parts_.model,
                           .model = broadcast.model,
                           .dataset = parts_.dataset,
                           .users = users,
                           .split = task.split,
                           .evaluation = OptionsOfTask(task),
                           .stop = parts_.stop,
                           .ranks = parts_.model.ranks}));
  RONDO_TRY(UpdateSum sum, SumMetrics(metrics, task));
  sum.contributors = static_cast<std::uint32_t>(ids.size());
  events_.emplace_back(PackEvent{.round = task.round,
                                 .clients = std::move(ids),
                                 .sum = std::move(sum),
                                 .loss = std::numeric_limits<double>::quiet_NaN()});
  return Ok();
}

void VirtualClients::Announce(const std::vector<ClientId>& /*included*/,
                              const RoundResult& /*result*/) {
  events_.clear();
  work_.Clear();
}

void VirtualClients::Settle(const std::vector<ClientId>& asked,
                            const std::vector<ClientId>& /*included*/,
                            const RoundResult& /*result*/) {
  work_.Forget(asked);
}

Task<Status> VirtualClients::Finish(const Broadcast& /*model*/,
                                    TimePoint /*deadline*/,
                                    std::stop_token /*stop*/) {
  co_return Ok();
}

}  // namespace rondo::sim
