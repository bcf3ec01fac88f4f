#include "simulations/virtual_clients.h"

#include <algorithm>
#include <limits>

#include "common/metrics/metrics_block.h"
#include "simulations/client_models.h"

namespace rondo::sim {
namespace {

using coordinator::PackEvent;

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

void VirtualClients::Send(const ClientId& /*client*/, Bytes /*payload*/) {}

/// Takes a client out of an evaluation.
void VirtualClients::Decline(const ClientId& client,
                             const Error& why,
                             RoundId round,
                             std::vector<ClientId>& ids,
                             std::vector<UserMetrics>& metrics) {
  events_.emplace_back(coordinator::DropEvent{.client = client, .round = round, .why = why});
  std::erase(ids, client);
  const std::vector<std::uint32_t>& users = shards_.at(client)->users;
  std::erase_if(metrics, [&users](const UserMetrics& user) {
    return std::find(users.begin(), users.end(), user.user) != users.end();
  });
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
  const ModelEvaluation evaluation{.options = parts_.model,
                                   .model = broadcast.model,
                                   .dataset = parts_.dataset,
                                   .users = users,
                                   .split = task.split,
                                   .evaluation = OptionsOfTask(task),
                                   .stop = parts_.stop,
                                   .ranks = parts_.model.ranks};
  std::vector<UserMetrics> metrics;
  if (HasOwnModels(task, *broadcast.model.layout)) {
    RONDO_TRY(ClientScores scores,
              EvaluateClients({.common = evaluation,
                               .task = task,
                               .clients = cohort,
                               .trainer = parts_.trainer,
                               .store = parts_.store}));
    for (const auto& [client, why] : scores.untuned) {
      Decline(client, why, task.round, ids, scores.users);
    }
    metrics = std::move(scores.users);
  } else {
    RONDO_TRY(metrics, EvaluateModel(evaluation));
  }
  if (ids.empty()) {
    return Ok();
  }
  RONDO_TRY(UpdateSum sum, SumMetrics(metrics, task));
  sum.contributors = static_cast<std::uint32_t>(ids.size());
  events_.emplace_back(PackEvent{.round = task.round,
                                 .clients = std::move(ids),
                                 .sum = std::move(sum),
                                 .loss = std::numeric_limits<double>::quiet_NaN()});
  return Ok();
}

void VirtualClients::Announce(const std::vector<ClientId>& included, const RoundResult& result) {
  if (parts_.store != nullptr) {
    for (const auto& [client, round] : parts_.store->Staged()) {
      Resolve(client,
              round,
              round == result.round && !result.is_void
                  && std::find(included.begin(), included.end(), client) != included.end());
    }
  }
  events_.clear();
  work_.Clear();
}

void VirtualClients::Settle(const std::vector<ClientId>& asked,
                            const std::vector<ClientId>& included,
                            const RoundResult& result) {
  for (const ClientId& client : asked) {
    Resolve(
        client,
        result.round,
        !result.is_void && std::find(included.begin(), included.end(), client) != included.end());
  }
  work_.Forget(asked);
}

void VirtualClients::Resolve(const ClientId& client, RoundId round, bool included) {
  if (parts_.store == nullptr) {
    return;
  }
  const Status kept = parts_.store->Resolve(client, round, included);
  if (!kept && store_failure_) {
    store_failure_ = kept;
  }
}

Task<Status> VirtualClients::Finish(const Broadcast& /*model*/,
                                    TimePoint /*deadline*/,
                                    std::stop_token /*stop*/) {
  co_return Ok();
}

}  // namespace rondo::sim
