#pragma once

#include <functional>
#include <memory>
#include <optional>

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

  /// What Run ends with after this session, or nothing if trying again may help.
  std::optional<Status> Outcome(const SessionEnd& end);

  /// Errors  `why`'s kind once `retry_for` is over.
  Result<TimePoint> NextTry(const Error& why);

  Parts parts_;
  Signal wake_;
  Session* session_ = nullptr;
  TimePoint alone_since_{};  ///< the end of the last session that got past Welcome
  int broken_ = 0;           ///< sessions in a row in which the peer broke the protocol
  int replaced_ = 0;         ///< sessions in a row that another connection took over
  bool stopped_ = false;
};

}  // namespace rondo::client
