#pragma once

#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "common/transport/tls_channel.h"
#include "coordinator/remote_clients.h"

namespace rondo::coordinator {

/// Accepts connections, shakes hands with each beside the others and hands them to the pool. At
/// most `pending_handshakes` are under way; then the oldest of the address that has most of them
/// gives way to the newest, so that silent peers keep nobody out for longer than it takes to
/// connect again, and a flood from few addresses keeps out only these. Faults are logged at most
/// once a second and counted. Confined to the executor's thread.
class Server {
 public:
  /// Serves a peer that came to enrol or to renew, and closes its channel.
  using Enrol = std::function<Task<Status>(std::shared_ptr<Channel>, TimePoint deadline)>;
  /// Hears of each peer that was turned away.
  using Refused = std::function<void(const std::string& address, const Error& why)>;

  struct Options {
    int pending_handshakes = 64;
    int handshakes_per_address = 32;  ///< of these; then its oldest gives way
    int connections = 1024;           ///< handshakes and sessions; those beyond are closed at once
    Duration handshake_timeout = std::chrono::seconds(5);
    Enrol enrol;      ///< none: nobody enrols here
    Refused refused;  ///< none: nobody wants to know
  };

  /// `clients` outlives the server's work on the executor.
  Server(boost::asio::any_io_executor executor,
         std::unique_ptr<TlsListener> listener,
         RemoteClients& clients,
         const Options& options);

  /// Starts accepting; returns at once.
  void Start();

  /// Ends accepting, and the handshakes under way.
  void Stop();

  std::uint16_t port() const;
  std::uint64_t handshakes_failed() const;
  std::uint64_t connections_refused() const;  ///< closed at once, beyond `connections`

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace rondo::coordinator
