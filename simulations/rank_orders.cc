#include "simulations/rank_orders.h"

#include <cstring>

#include "common/wire/messages.h"
#include "coordinator/strategy.h"
#include "simulations/virtual_clients.h"

namespace rondo::sim {
namespace {

Bytes ToBytes(const std::vector<std::uint32_t>& numbers) {
  Bytes bytes(numbers.size() * sizeof(std::uint32_t));
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

std::vector<ClientId> IdsOf(const Experiment& experiment, const Bytes& bytes) {
  std::vector<ClientId> ids;
  for (std::size_t at = 0; at + sizeof(std::uint32_t) <= bytes.size();
       at += sizeof(std::uint32_t)) {
    std::uint32_t shard = 0;
    std::memcpy(&shard, bytes.data() + at, sizeof shard);
    ids.push_back(experiment.shards.at(shard).id);
  }
  return ids;
}

}  // namespace

void SendOrder(MpiRanks& ranks,
               const std::vector<std::uint32_t>& clients,
               const Offer& offer,
               const ParameterVector& model) {
  ranks.Share(wire::Encode(offer));
  ranks.Share(ToBytes(clients));
  ParameterVector sent = model;
  ranks.Share(std::span(sent.values));
}

void SendLastOrder(MpiRanks& ranks) {
  ranks.Share(Bytes());
}

Status ServeOrders(Experiment& experiment, MpiRanks& ranks) {
  RONDO_TRY(const std::unique_ptr<coordinator::Strategy> strategy,
            coordinator::Strategy::Create(experiment.scenario));
  VirtualClients clients({.dataset = experiment.data.dataset,
                          .shards = experiment.shards,
                          .trainer = *experiment.trainer,
                          .model = experiment.model,
                          .visibility = VisibilityOf(experiment.scenario, *strategy),
                          .stop = {},
                          .attack = experiment.attack.get()});
  Broadcast broadcast;
  broadcast.model.layout = experiment.layout;
  broadcast.model.values.resize(experiment.layout->size());
  for (;;) {
    const Bytes frame = ranks.Share(Bytes());
    if (frame.empty()) {
      return Ok();
    }
    RONDO_TRY(const wire::Message message, wire::Decode(frame));
    const auto* offer = std::get_if<Offer>(&message);
    if (offer == nullptr) {
      return Fail(ErrorCode::kInternal, "the first rank sent no offer");
    }
    const std::vector<ClientId> ids = IdsOf(experiment, ranks.Share(Bytes()));
    ranks.Share(std::span(broadcast.model.values));
    RONDO_TRY_STATUS(clients.Work(ids, *offer, broadcast));
  }
}

}  // namespace rondo::sim
