#pragma once

#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "common/core/clock.h"
#include "common/core/ids.h"
#include "common/core/result.h"
#include "common/federated/task.h"
#include "common/transport/channel.h"

namespace rondo::coordinator {

/// A message of the aggregation protocol from a remote client; AggregationSession decodes it.
struct MessageEvent {
  ClientId client;
  RoundId round = 0;
  Bytes payload;
};

/// The finished work of clients in this process: one sum, or one update if single updates were
/// asked for.
struct PackEvent {
  RoundId round = 0;
  std::vector<ClientId> clients;
  UpdateSum sum;
  double loss = 0.0;  ///< mean training loss over the clients; NaN outside training
};

struct DropEvent {
  ClientId client;
  RoundId round = 0;
  Error why;
};

struct DeadlineEvent {};

using PoolEvent = std::variant<MessageEvent, PackEvent, DropEvent, DeadlineEvent>;

/// The one seam between simulation and deployment: who takes part, and how a cohort's work comes
/// back. VirtualClients (in process), RemoteClients (channels to real clients, over TLS or memory).
/// Confined to the loop thread.
class ClientPool {
 public:
  virtual ~ClientPool() = default;

  /// Clients that could be invited now, in byte order of their ids.
  virtual std::vector<ClientId> Available() const = 0;

  /// How many clients take part in the run, there or not.
  virtual std::size_t population() const = 0;

  /// Clients that an evaluation asks, in byte order.
  virtual std::vector<ClientId> Evaluators() const { return Available(); }

  /// Suspends until at least `count` clients are available, or the deadline.
  virtual Task<Status> WaitFor(std::size_t count, TimePoint deadline) = 0;

  /// Invites the clients. `broadcast` outlives the round. Faults come back as DropEvent.
  virtual void Dispatch(const std::vector<ClientId>& clients,
                        const Offer& offer,
                        const Broadcast& broadcast) = 0;

  /// Sends one message of the aggregation protocol; a broken connection comes back as DropEvent.
  virtual void Send(const ClientId& client, Bytes payload) = 0;

  /// Said before Next: how many more contributors end what is under way, and when it ends without
  /// them. A hint to pools that train several clients at a time.
  virtual void Expect(std::size_t /*contributors*/, TimePoint /*end*/) {}

  /// The next event of the round under way, or DeadlineEvent.
  virtual Task<Result<PoolEvent>> Next(TimePoint deadline) = 0;

  /// Tells everyone who was invited how the round ended; clients still at work on it give up.
  virtual void Announce(const std::vector<ClientId>& included, const RoundResult& result) = 0;

  /// Announces to those `asked` alone; everybody else stays at work, as buffered rounds have it.
  /// Also ends an evaluation. Whoever was asked has answered or is told to give up.
  virtual void Settle(const std::vector<ClientId>& asked,
                      const std::vector<ClientId>& included,
                      const RoundResult& result) = 0;

  /// Whether whoever runs the pool has the data of all clients, so that metrics and losses tell
  /// them nothing new and are no release.
  virtual bool owns_data() const { return false; }

  /// Whether clients can be evaluated while they are at work on training.
  virtual bool evaluates_beside_training() const { return false; }

  /// Hands the final model to every client that is or comes back in time, and ends the sessions.
  virtual Task<Status> Finish(const Broadcast& model, TimePoint deadline, std::stop_token stop) = 0;

  virtual std::uint64_t bytes_up() const = 0;
  virtual std::uint64_t bytes_down() const = 0;
};

}  // namespace rondo::coordinator
