#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "common/federated/noise.h"
#include "simulations/client_models.h"
#include "simulations/traffic.h"
#include "simulations/virtual_clients.h"

/// How clients are trained: to one sum in tensors, or each to an update of its own.
namespace rondo::sim {

using coordinator::DropEvent;
using coordinator::PackEvent;

namespace {

/// Appends a block with what one client puts into it; its streams are named as `stream`.
Status AddBlock(UpdateSum& sum,
                LocalBlock& block,
                const TrainTask& task,
                StreamName stream,
                Rng& rounding) {
  GridBlock folded = MakeBlock(
      std::move(block.shape.name), std::move(block.shape.layout), task.grid, block.shape.scaling);
  const std::uint64_t weight = block.shape.scaling == Scaling::kByWeight ? sum.weight : 1;
  RONDO_TRY(const std::uint64_t saturated, FoldDense(folded, block.values, weight, &rounding));
  stream.purpose = Purpose::kNoise;
  RONDO_TRY_STATUS(AddClientNoise(task, folded, {.stream = stream}));
  sum.saturated += saturated;
  sum.blocks.push_back(std::move(folded));
  return Ok();
}

/// Clients whose vectors fit into engine.memory_mib: start, delta, and as much for what they keep.
std::size_t ClientsTogether(const Broadcast& broadcast, int memory_mib) {
  constexpr std::uint64_t kVectors = 6;
  const std::uint64_t each = kVectors * broadcast.model.values.size() * sizeof(float);
  const auto memory = static_cast<std::uint64_t>(memory_mib) << 20;
  return static_cast<std::size_t>(std::max<std::uint64_t>(memory / each, 1));
}

}  // namespace

Status VirtualClients::Train(const std::vector<const ClientShard*>& cohort,
                             const TrainTask& task,
                             const Broadcast& broadcast) {
  std::vector<ClientData> clients;
  clients.reserve(cohort.size());
  for (const ClientShard* shard : cohort) {
    clients.push_back(DataOf(*shard, parts_.dataset));
  }
  if (parts_.attack != nullptr) {
    parts_.attack->PoisonData(clients, task.round);
  }
  const bool singly = parts_.visibility == coordinator::Visibility::kIndividual
                      || (parts_.attack != nullptr && parts_.attack->Forges())
                      || NeedsSingleDeltas(task, *broadcast.model.layout);
  return singly ? TrainSingly(std::move(clients), task, broadcast)
                : TrainToSum(clients, task, broadcast);
}

Status VirtualClients::TrainToSum(const std::vector<ClientData>& clients,
                                  const TrainTask& task,
                                  const Broadcast& broadcast) {
  RONDO_TRY(
      CohortOutcome outcome,
      parts_.trainer.Train(broadcast, clients, task, UpdateVisibility::kSumOnly, parts_.stop));
  for (const auto& [id, why] : outcome.failed) {
    events_.emplace_back(DropEvent{.client = id, .round = task.round, .why = why});
  }
  PackSum all{.sum = std::move(outcome.sum)};
  for (const ClientReport& report : outcome.clients) {
    all.clients.push_back(report.id);
    all.losses += report.loss;
  }
  bytes_up_ += all.clients.size() * ExpectedBytes(task, broadcast.model.layout);
  PushSum(task.round, std::move(all));
  return Ok();
}

void VirtualClients::PushSum(RoundId round, PackSum all) {
  if (all.clients.empty()) {
    return;
  }
  const double loss = all.losses / static_cast<double>(all.clients.size());
  events_.emplace_back(PackEvent{
      .round = round, .clients = std::move(all.clients), .sum = std::move(all.sum), .loss = loss});
}

Status VirtualClients::TrainSingly(std::vector<ClientData> clients,
                                   const TrainTask& task,
                                   const Broadcast& broadcast) {
  // Who forges looks at all updates of the cohort. Else no more are trained at a time than memory
  // holds.
  const bool forges = parts_.attack != nullptr && parts_.attack->Forges();
  const bool bounded = !forges && NeedsSingleDeltas(task, *broadcast.model.layout);
  const std::size_t together = bounded ? ClientsTogether(broadcast, parts_.model.engine.memory_mib)
                                       : std::numeric_limits<std::size_t>::max();
  PackSum all;
  const std::span<ClientData> every(clients);
  for (std::size_t begin = 0; begin < every.size(); begin += std::min(together, every.size())) {
    RONDO_TRY_STATUS(TrainSome(
        every.subspan(begin, std::min(together, every.size() - begin)), task, broadcast, all));
  }
  PushSum(task.round, std::move(all));
  return Ok();
}

Status VirtualClients::TrainSome(std::span<ClientData> clients,
                                 const TrainTask& task,
                                 const Broadcast& broadcast,
                                 PackSum& all) {
  std::map<ClientId, ClientVectors> own;
  std::vector<LocalStart> starts(clients.size());
  for (std::size_t i = 0; i < clients.size(); ++i) {
    ClientVectors& vectors = own[clients[i].id];
    if (parts_.store != nullptr) {
      RONDO_TRY(const ClientVectors* const kept, parts_.store->Of(clients[i].id));
      vectors = *kept;
    }
    RONDO_TRY(starts[i], StartRound(task, broadcast, vectors));
    clients[i].correction = starts[i].correction;
    clients[i].personal = starts[i].personal;
  }
  RONDO_TRY(
      CohortOutcome outcome,
      parts_.trainer.Train(broadcast, clients, task, UpdateVisibility::kIndividual, parts_.stop));
  if (parts_.attack != nullptr && parts_.attack->Forges()) {
    parts_.attack->ForgeUpdates(task, *broadcast.model.layout, outcome);
  }
  for (const auto& [id, why] : outcome.failed) {
    events_.emplace_back(DropEvent{.client = id, .round = task.round, .why = why});
  }
  for (std::size_t i = 0; i < outcome.clients.size(); ++i) {
    const ClientReport& report = outcome.clients[i];
    Result<UpdateSum> sum =
        Contribute(report, std::move(outcome.deltas[i]), own.at(report.id), task, broadcast);
    if (!sum) {
      events_.emplace_back(DropEvent{.client = report.id, .round = task.round, .why = sum.error()});
    } else if (parts_.visibility == coordinator::Visibility::kIndividual) {
      events_.emplace_back(PackEvent{.round = task.round,
                                     .clients = {report.id},
                                     .sum = *std::move(sum),
                                     .loss = report.loss});
    } else {
      if (all.clients.empty()) {
        all.sum = *std::move(sum);
      } else {
        RONDO_TRY_STATUS(all.sum.Add(*sum));
      }
      all.clients.push_back(report.id);
      all.losses += report.loss;
    }
  }
  return Ok();
}

/// A finished training as its client's contribution; what it would keep waits for the result.
Result<UpdateSum> VirtualClients::Contribute(const ClientReport& report,
                                             std::vector<float> delta,
                                             const ClientVectors& own,
                                             const TrainTask& task,
                                             const Broadcast& broadcast) {
  StreamName stream{.seed = task.seed,
                    .round = task.round,
                    .client = HashId(report.id),
                    .purpose = Purpose::kCompression};
  Rng compression(stream);
  stream.purpose = Purpose::kRounding;
  Rng rounding(stream);
  RONDO_TRY(LocalEnd end,
            EndRound(task,
                     broadcast,
                     own,
                     {.delta = std::move(delta), .steps = report.steps, .norm = report.update_norm},
                     compression));
  const std::uint64_t bytes = BytesOf(end.blocks);
  UpdateSum sum{.weight = report.weight, .contributors = 1};
  for (LocalBlock& block : end.blocks) {
    RONDO_TRY_STATUS(AddBlock(sum, block, task, stream, rounding));
  }
  bytes_up_ += bytes;
  if (parts_.store != nullptr && KeepsVectors(task, *broadcast.model.layout)) {
    RONDO_TRY_STATUS(parts_.store->Stage(report.id, task.round, std::move(end.next)));
  }
  return sum;
}

}  // namespace rondo::sim
