#pragma once

#include <functional>
#include <memory>

#include "client/session.h"
#include "common/transport/tls_channel.h"

namespace rondo::client {

/// A client's part in one federation: connects, serves sessions, and comes back after every loss
/// until the coordinator finishes the run, refuses this client, or the owner stops it. Confined to
/// its executor.
class Agent {
 public:
  /// Connects once. Errors  as ConnectTls.
  using Connect = std::function<Task<Result<std::shared_ptr<Channel>>>(TimePoint deadline)>;

  /// All outlive the agent.
  struct Parts {
    Connect connect;
    LocalWork& work;
    ClientState& state;
    Papers& papers;
    const Catalogue& catalogue;
    Limits limits;
    const Clock& clock;
    boost::asio::any_io_executor executor;
    boost::asio::any_io_executor workers;
    Backoff backoff;
    Duration connect_timeout = std::chrono::seconds(10);
    Duration retry_for{};  ///< give up after this long without a session; 0: never
  };

  explicit Agent(Parts parts);

  /// Ends with Ok once the final model is stored.
  /// Errors  kCancelled after Stop; kUnauthenticated; kUnavailable or kTimeout once `retry_for` is
  /// over;
  ///         kCorrupt for a peer that keeps breaking the protocol; kFailedPrecondition if other
  ///         connections under this client's id keep taking its place; what the coordinator refused
  ///         with.
  Task<Status> Run();

  /// Says Goodbye if connected. Run then ends with kCancelled.
  void Stop();

 private:
  Task<SessionEnd> Attempt();

  Parts parts_;
  Signal wake_;
  Session* session_ = nullptr;
  bool stopped_ = false;
};

}  // namespace rondo::client
