#include <algorithm>
#include <utility>

#include "common/model/plan.h"
#include "simulations/client_models.h"
#include "simulations/rank_orders.h"
#include "simulations/traffic.h"
#include "simulations/virtual_clients.h"

/// When clients answer, and who is trained together.
namespace rondo::sim {

using coordinator::DropEvent;
using coordinator::PackEvent;
using coordinator::PoolEvent;

void VirtualClients::Dispatch(const std::vector<ClientId>& clients,
                              const Offer& offer,
                              const Broadcast& broadcast) {
  if (!parts_.buffered) {
    events_.clear();
    work_.Clear();
  }
  failure_ = store_failure_ ? Enqueue(clients, offer, broadcast) : store_failure_;
}

Status VirtualClients::Enqueue(const std::vector<ClientId>& clients,
                               const Offer& offer,
                               const Broadcast& broadcast) {
  // Clients that join a buffered round later hold the same offer, and can be trained together.
  if (held_ == nullptr || held_->offer.kind != offer.kind || held_->offer.round != offer.round
      || held_->broadcast.sha256 != broadcast.sha256) {
    held_ = std::make_shared<const HeldOffer>(HeldOffer{offer, broadcast});
  }
  const std::shared_ptr<const HeldOffer> held = held_;
  const auto drop = [&](const ClientId& id, const char* why) {
    const Error error{ErrorCode::kUnavailable, why};
    events_.emplace_back(DropEvent{.client = id, .round = offer.round, .why = error});
  };
  std::vector<const ClientShard*> evaluators;
  for (const ClientId& id : clients) {
    const auto found = shards_.find(id);
    if (found == shards_.end()) {
      drop(id, "no such client");
      continue;
    }
    bytes_down_ += BytesOf(broadcast);
    if (offer.kind == OfferKind::kEvaluate) {
      evaluators.push_back(found->second);
      continue;
    }
    if (parts_.devices != nullptr && parts_.devices->DropsOut(offer.round, id)) {
      if (parts_.clock == nullptr) {  // Else nobody hears of it before the deadline.
        drop(id, "the client dropped out");
      }
      continue;
    }
    TimePoint due;
    if (parts_.clock != nullptr) {
      RONDO_TRY(const Duration time, TimeFor(*found->second, *held));
      due = parts_.clock->Now() + time;
    }
    work_.Add(due, {.shard = found->second, .held = held});
  }
  return offer.kind == OfferKind::kEvaluate ? Order(evaluators, *held) : Ok();
}

Result<Duration> VirtualClients::TimeFor(const ClientShard& shard, const HeldOffer& held) const {
  RONDO_TRY(const ClientPlan plan,
            PlanClient(DataOf(shard, parts_.dataset),
                       0,
                       parts_.model.model,
                       held.offer.train,
                       parts_.model.items));
  Devices::Job job{.bytes_down = BytesOf(held.broadcast),
                   .bytes_up = ExpectedBytes(held.offer.train, held.broadcast.model.layout)};
  for (const std::vector<std::uint32_t>& step : plan.steps) {
    for (const std::uint32_t sequence : step) {
      job.positions += static_cast<std::uint64_t>(plan.sequences[sequence].positions());
    }
  }
  return parts_.devices->TimeFor(shard.id, job);
}

Status VirtualClients::Order(const std::vector<const ClientShard*>& cohort, const HeldOffer& held) {
  if (parts_.ranks != nullptr) {
    std::vector<std::uint32_t> shards;
    for (const ClientShard* shard : cohort) {
      shards.push_back(static_cast<std::uint32_t>(shard - parts_.shards.data()));
    }
    SendOrder(*parts_.ranks, shards, held.offer, held.broadcast.model);
  }
  return WorkOn(cohort, held.offer, held.broadcast);
}

void VirtualClients::Expect(std::size_t contributors, TimePoint end) {
  wanted_ = contributors;
  end_ = end;
}

/// Makes the events that are due by `deadline`, the first ones at least.
Status VirtualClients::TrainDue(TimePoint deadline) {
  while (events_.empty() && !work_.empty() && work_.due() <= deadline) {
    if (parts_.buffered && parts_.clock != nullptr) {
      if (!work_.first().answer) {
        RONDO_TRY_STATUS(TrainAhead());
      }
      parts_.clock->AdvanceTo(work_.due());
      ClientWork done = work_.Pop();
      bytes_up_ += done.bytes_up;
      events_.push_back(*std::move(done.answer));
      return Ok();
    }
    // Whoever is needed is trained together, when the last of them answers: clients too late for
    // the round are not trained at all, and without late ones the packs are those of a run without
    // a clock.
    const bool choosy = parts_.buffered || parts_.clock != nullptr;
    const WorkQueue::Bundle bundle =
        choosy ? work_.Peek(wanted_, parts_.clock != nullptr ? end_ : TimePoint::max())
               : work_.Peek(std::numeric_limits<std::size_t>::max(), TimePoint::max());
    if (bundle.clients.empty() || bundle.due > deadline) {
      return Ok();
    }
    if (parts_.clock != nullptr) {
      parts_.clock->AdvanceTo(bundle.due);
    }
    work_.Remove(bundle);
    RONDO_TRY_STATUS(Order(bundle.clients, *bundle.held));
  }
  return Ok();
}

/// Trains those at work on the offer whose answer is due, each to an answer of its own: many at a
/// time, but no more answers than engine.memory_mib holds.
Status VirtualClients::TrainAhead() {
  const std::uint64_t each =
      work_.first().held->broadcast.model.values.size() * (sizeof(float) + sizeof(std::int64_t));
  const std::uint64_t memory = static_cast<std::uint64_t>(parts_.model.engine.memory_mib) << 20;
  const std::vector<ClientWork*> untrained =
      work_.Untrained(static_cast<std::size_t>(std::max<std::uint64_t>(memory / each, 1)));
  std::vector<const ClientShard*> cohort;
  std::map<ClientId, ClientWork*> by_id;
  for (ClientWork* work : untrained) {
    cohort.push_back(work->shard);
    by_id[work->shard->id] = work;
  }
  const std::shared_ptr<const HeldOffer> held = untrained.front()->held;
  const std::uint64_t before = std::exchange(bytes_up_, 0);
  RONDO_TRY_STATUS(Order(cohort, *held));
  const std::uint64_t sent = std::exchange(bytes_up_, before);
  const auto answers = static_cast<std::uint64_t>(
      std::count_if(events_.begin(), events_.end(), [](const PoolEvent& event) {
        return std::holds_alternative<PackEvent>(event);
      }));
  for (PoolEvent& event : events_) {
    const auto* pack = std::get_if<PackEvent>(&event);
    ClientWork* work =
        by_id.at(pack != nullptr ? pack->clients.front() : std::get<DropEvent>(event).client);
    work->bytes_up = pack != nullptr ? sent / answers : 0;
    work->answer = std::move(event);
  }
  events_.clear();
  return Ok();
}

Task<Result<PoolEvent>> VirtualClients::Next(TimePoint deadline) {
  if (failure_ && events_.empty()) {
    failure_ = TrainDue(deadline);
  }
  if (!failure_) {
    co_return Fail(failure_.error());
  }
  if (events_.empty()) {
    if (parts_.clock != nullptr) {
      parts_.clock->AdvanceTo(deadline);
    }
    PoolEvent nothing_left = coordinator::DeadlineEvent{};
    co_return nothing_left;
  }
  PoolEvent event = std::move(events_.front());
  events_.pop_front();
  co_return event;
}

}  // namespace rondo::sim
