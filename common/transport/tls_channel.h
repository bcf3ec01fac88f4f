#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "common/core/clock.h"
#include "common/core/ids.h"
#include "common/core/result.h"
#include "common/core/rng.h"
#include "common/transport/channel.h"

/// Channels over TLS 1.3 with certificates on both sides. One thread runs the executor.
namespace rondo {

struct TlsFiles {
  std::filesystem::path authority;    ///< certificate that the peer's must be signed by
  std::filesystem::path certificate;  ///< own
  std::filesystem::path key;          ///< own
};

/// Loaded keys and the TLS settings made of them. Cheap to copy, thread-safe.
class TlsContext {
 public:
  enum class Role : std::uint8_t { kServer, kClient };

  /// What a connection is for. A client asks for enrolment by ALPN, so that both share a port; a
  /// server that does not offer it takes the connection for a session.
  enum class Purpose : std::uint8_t {
    kSession,    ///< both sides show certificates
    kEnrolment,  ///< server: both purposes; enrolling clients may come without certificate
  };

  /// Errors  kNotFound for a missing file; kInvalidArgument for a wrong one; kUnauthenticated if
  /// the own certificate has expired.
  static Result<TlsContext> Create(const TlsFiles& files,
                                   Role role,
                                   Purpose purpose = Purpose::kSession);

  /// For a client that has nothing yet but the SHA-256 of the authority's certificate (DER, in
  /// hexadecimal): the server must show that authority, and a certificate that holds against it.
  static Result<TlsContext> CreatePinned(const std::string& authority_sha256);

  struct Impl;

  const std::shared_ptr<Impl>& impl() const { return impl_; }

 private:
  explicit TlsContext(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

  std::shared_ptr<Impl> impl_;
};

struct TlsAddress {
  std::string host;  ///< DNS name or IP address; the server's certificate must name it
  std::uint16_t port = 0;
};

/// Resolves, connects and shakes hands; `peer()` of the channel is the host.
/// Errors  kInvalidArgument for a host that no certificate can name; kUnavailable if the server
/// cannot be reached; kUnauthenticated if either side refuses the other's certificate; kTimeout.
Task<Result<std::shared_ptr<Channel>>> ConnectTls(boost::asio::any_io_executor executor,
                                                  TlsContext context,
                                                  TlsAddress address,
                                                  TimePoint deadline);

/// Waiting times between attempts: doubling from `first` to `longest`, each times a random factor
/// in [0.5, 1).
class Backoff {
 public:
  Backoff(Duration first, Duration longest, Rng rng);
  Duration Next();

  void Reset() { next_ = first_; }

 private:
  Duration first_;
  Duration longest_;
  Duration next_;
  Rng rng_;
};

/// A connection that was accepted and has not shaken hands yet.
class IncomingPeer {
 public:
  virtual ~IncomingPeer() = default;

  /// Errors  kUnauthenticated for a missing, expired or foreign certificate, one without a client
  /// id, or a peer below TLS 1.3; kUnavailable; kTimeout.
  virtual Task<Result<std::shared_ptr<Channel>>> Handshake(TimePoint deadline) = 0;

  /// After the handshake: the peer is here to enrol or to renew, and not for a session. Then it may
  /// have shown no certificate, and its `peer()` is empty.
  virtual bool enrolling() const = 0;

  /// Ends the connection; a handshake under way returns kUnavailable.
  virtual void Close() = 0;

  virtual std::string address() const = 0;  ///< "127.0.0.1:4711", for logs

  /// What counts as one place on the network: an IPv4 address, or the /64 of an IPv6 address, all
  /// of which a single host may use.
  virtual std::string network() const = 0;
};

/// A listening socket.
class TlsListener {
 public:
  virtual ~TlsListener() = default;

  /// Port 0 takes a free one.
  /// Errors  kInvalidArgument for a host that is no IP address; kUnavailable if the port is taken.
  static Result<std::unique_ptr<TlsListener>> Listen(boost::asio::any_io_executor executor,
                                                     TlsContext context,
                                                     const std::string& host,
                                                     std::uint16_t port);

  virtual std::uint16_t port() const = 0;

  /// Errors  kCancelled after Close; kUnavailable for a passing fault such as too many open files.
  virtual Task<Result<std::shared_ptr<IncomingPeer>>> Accept() = 0;

  virtual void Close() = 0;
};

}  // namespace rondo
