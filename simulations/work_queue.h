#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "common/core/clock.h"
#include "common/data/dataset.h"
#include "coordinator/client_pool.h"

namespace rondo::sim {

/// An offer as its clients hold it until they answer: the server may have moved on by then.
struct HeldOffer {
  Offer offer;
  Broadcast broadcast;
};

/// One client that will answer.
struct ClientWork {
  const ClientShard* shard = nullptr;
  std::shared_ptr<const HeldOffer> held;
  std::optional<coordinator::PoolEvent> answer;  ///< once it was trained
  std::uint64_t bytes_up = 0;                    ///< of the answer
};

/// Clients at work, in the order of their answers: by time, then in the order of their offers.
/// Nobody is trained before the answer is due, so that whoever comes too late costs nothing.
class WorkQueue {
 public:
  void Add(TimePoint due, ClientWork work) { work_.emplace(Key{due, next_++}, std::move(work)); }

  bool empty() const { return work_.empty(); }

  TimePoint due() const { return work_.begin()->first.first; }

  ClientWork& first() { return work_.begin()->second; }

  ClientWork Pop();

  struct Bundle {
    std::vector<const ClientShard*> clients;
    std::shared_ptr<const HeldOffer> held;
    TimePoint due;  ///< the last one's
  };

  /// The next `most` answers to the first one's offer that are due by `until`, in byte order of the
  /// ids; they stay in the queue.
  Bundle Peek(std::size_t most, TimePoint until) const;

  /// Takes the answers of a bundle out.
  void Remove(const Bundle& bundle);

  /// At most `most` at work on the first one's offer without an answer yet, the earliest first.
  std::vector<ClientWork*> Untrained(std::size_t most);

  void Forget(const std::vector<ClientId>& clients);

  void Clear() { work_.clear(); }

 private:
  using Key = std::pair<TimePoint, std::uint64_t>;
  std::map<Key, ClientWork> work_;
  std::uint64_t next_ = 0;
};

}  // namespace rondo::sim
