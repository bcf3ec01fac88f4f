#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "common/transport/channel.h"
#include "common/wire/messages.h"
#include "coordinator/client_pool.h"

namespace rondo::coordinator {

/// One client as the operator sees it.
struct RemoteClientStatus {
  ClientId id;
  bool connected = false;
  RoundId working_on = 0;           ///< 0: nothing
  std::uint64_t contributions = 0;  ///< whole uploads since the start
  std::uint64_t drops = 0;          ///< offers of rounds and evaluations that it gave nothing to
  std::uint64_t ignored = 0;        ///< frames that no offer asked for
  std::uint64_t bytes_up = 0;
  std::uint64_t bytes_down = 0;
  std::string last_error;
};

/// Real clients behind channels, over TLS or memory. Each channel is one session: Hello and
/// Welcome, then models, offers, contributions and heartbeats as docs/protocol.md says.
///
/// A fault of one client ends its session alone. A client that comes back under the same id
/// replaces its old session. Confined to the executor's thread; `executor`'s context outlives the
/// object.
class RemoteClients final : public ClientPool {
 public:
  struct Options {
    wire::Welcome welcome;                       ///< what every client is told
    std::uint64_t contribution_cap = 0;          ///< bytes; see wire::ContributionCap
    std::uint64_t upload_memory = 512ULL << 20;  ///< bytes of uploads at a time, or one
    int connections_per_client = 2;  ///< beyond them the one that has waited longest for Hello ends
    ReceiveRules rules;
    Duration hello_timeout = std::chrono::seconds(10);  ///< from the connection to Hello
    Duration return_wait =
        std::chrono::seconds(10);  ///< Finish waits so long for clients that are away
    /// Whether the peer of a channel may take part: asked before Welcome and at each frame.
    std::function<Status(const Channel&)> check = [](const Channel&) {
      return Ok();
    };
    /// Hears of each client that was turned away or broke the protocol.
    std::function<void(const ClientId&, const Error&)> refused = [](const ClientId&, const Error&) {
    };
    std::string roster;   ///< SignedRoster::Text for every client; empty: there is none
    bool masked = false;  ///< secure aggregation: only clients that the roster names are available
    std::map<ClientId, RoundResult> results;  ///< RunState::results, told to clients that come back
  };

  RemoteClients(boost::asio::any_io_executor executor, Options options);
  ~RemoteClients() override;

  /// Runs a session on the channel, whose peer is authenticated.
  void Attach(std::shared_ptr<Channel> channel);

  /// Ends the sessions of clients that may no longer take part.
  void Recheck();

  /// Hands another roster to everyone.
  void SetRoster(std::string text);

  /// Ends all sessions; waiting calls return kCancelled.
  void Stop();

  /// Clients whose offer ended without them, and why: for their statuses.
  void NoteDropped(const std::vector<std::pair<ClientId, Error>>& dropped);

  std::vector<ClientId> Available() const override;
  /// Everyone who was ever admitted or invited.
  std::size_t population() const override;
  Task<Status> WaitFor(std::size_t count, TimePoint deadline) override;
  void Dispatch(const std::vector<ClientId>& clients,
                const Offer& offer,
                const Broadcast& broadcast) override;
  void Send(const ClientId& client, Bytes payload) override;
  Task<Result<PoolEvent>> Next(TimePoint deadline) override;
  void Announce(const std::vector<ClientId>& included, const RoundResult& result) override;
  void Settle(const std::vector<ClientId>& asked,
              const std::vector<ClientId>& included,
              const RoundResult& result) override;

  /// Clients confirm with Goodbye that they keep the model. Returns when all did, or when those
  /// connected did and the others stayed away for `return_wait`, at the deadline, or when asked to
  /// stop.
  Task<Status> Finish(const Broadcast& model, TimePoint deadline, std::stop_token stop) override;

  std::uint64_t bytes_up() const override;
  std::uint64_t bytes_down() const override;

  /// Everyone who was ever admitted, in byte order of the ids.
  std::vector<RemoteClientStatus> Statuses() const;

  std::uint64_t sessions_refused() const;  ///< ended before Welcome

  std::size_t connections() const;  ///< sessions, before and after Welcome

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace rondo::coordinator
