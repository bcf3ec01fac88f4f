#pragma once

#include <memory>
#include <string>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "common/transport/asio_types.h"
#include "common/transport/tls_channel.h"

/// What the sources of the TLS channel share.
namespace rondo {

struct TlsContext::Impl {
  boost::asio::ssl::context context{boost::asio::ssl::context::tls};
  std::string pin;  ///< SHA-256 of the authority that the server must come from; empty: see context
};

namespace detail {

using TlsStream = boost::asio::ssl::stream<Tcp::socket>;

/// A connection before, during and after its handshake.
class TlsChannel final : public Channel {
 public:
  TlsChannel(Tcp::socket socket, TlsContext context);

  TlsStream& stream() { return stream_; }

  Tcp::socket& socket() { return stream_.next_layer(); }

  void set_peer(ClientId peer) { peer_ = std::move(peer); }

  Task<Status> Handshake(TlsContext::Role role, TimePoint deadline);
  Task<Status> Send(Bytes frame, TimePoint deadline) override;
  Task<Result<Bytes>> Receive(TimePoint deadline) override;

  void SetRules(const ReceiveRules& rules) override { rules_ = rules; }

  void Close() override;

  const ClientId& peer() const override { return peer_; }

  std::uint64_t bytes_sent() const override { return bytes_sent_; }

  std::uint64_t bytes_received() const override { return bytes_received_; }

  const ChannelSecurity& security() const override { return security_; }

  /// True once a handshake agreed on enrolment. Frames are then at most kEnrolmentCap bytes.
  bool enrolling() const { return enrolling_; }

 private:
  /// What the rest of the program wants to know of a handshake that succeeded.
  Status Learn();
  /// When so many bytes must have come.
  TimePoint UntilWhole(std::size_t bytes) const;
  Task<Status> ReadExactly(std::span<std::uint8_t> out, bool inside_frame, TimePoint deadline);

  TlsContext context_;  // Outlives the stream.
  TlsStream stream_;
  ClientId peer_;
  ChannelSecurity security_;
  ReceiveRules rules_;
  bool enrolling_ = false;
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t bytes_received_ = 0;
};

/// The name of the enrolment protocol in a handshake (ALPN, RFC 7301).
inline constexpr std::string_view kEnrolmentProtocol = "rondo-enrol/1";

/// Largest payload of a frame that a server reads before it knows the client, in bytes.
inline constexpr std::uint32_t kEnrolmentCap = 16 << 10;

/// The error of a failed handshake or transfer: a refused certificate becomes kUnauthenticated.
Error TlsError(const boost::system::error_code& code, TlsStream& stream, const std::string& what);

/// Makes OpenSSL compare the server's certificate with the host we asked for.
/// Errors  kInvalidArgument for a host that no certificate can name; any certificate would pass.
Status ExpectHost(SSL* ssl, const std::string& host);

/// Turns off the delay of small frames.
void SetNoDelay(Tcp::socket& socket);

}  // namespace detail
}  // namespace rondo
