#include "simulations/work_queue.h"

#include <algorithm>

namespace rondo::sim {

ClientWork WorkQueue::Pop() {
  ClientWork work = std::move(work_.begin()->second);
  work_.erase(work_.begin());
  return work;
}

WorkQueue::Bundle WorkQueue::Peek(std::size_t most, TimePoint until) const {
  Bundle bundle{.held = work_.begin()->second.held};
  for (const auto& [key, work] : work_) {
    if (bundle.clients.size() == most || key.first > until || work.held != bundle.held) {
      break;
    }
    bundle.clients.push_back(work.shard);
    bundle.due = key.first;
  }
  std::sort(bundle.clients.begin(),
            bundle.clients.end(),
            [](const ClientShard* a, const ClientShard* b) { return a->id < b->id; });
  return bundle;
}

void WorkQueue::Remove(const Bundle& bundle) {
  auto end = work_.begin();
  std::advance(end, std::ssize(bundle.clients));
  work_.erase(work_.begin(), end);
}

std::vector<ClientWork*> WorkQueue::Untrained(std::size_t most) {
  const std::shared_ptr<const HeldOffer> held = first().held;
  std::vector<ClientWork*> untrained;
  for (auto& [key, work] : work_) {
    if (untrained.size() == most) {
      break;
    }
    if (work.held == held && !work.answer) {
      untrained.push_back(&work);
    }
  }
  return untrained;
}

void WorkQueue::Forget(const std::vector<ClientId>& clients) {
  std::erase_if(work_, [&clients](const auto& entry) {
    return std::find(clients.begin(), clients.end(), entry.second.shard->id) != clients.end();
  });
}

}  // namespace rondo::sim
