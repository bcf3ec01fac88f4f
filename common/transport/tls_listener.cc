#include <boost/asio/ip/network_v6.hpp>
#include <openssl/ssl.h>

#include "common/core/host_port.h"
#include "common/crypto/x509_handles.h"
#include "common/transport/tls_stream.h"

namespace rondo {
namespace {

using boost::system::error_code;

std::string NetworkOf(const boost::asio::ip::address& address) {
  if (address.is_v4()) {
    return address.to_string();
  }
  const auto v6 = address.to_v6();
  if (v6.is_v4_mapped()) {
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, v6).to_string();
  }
  return boost::asio::ip::make_network_v6(v6, 64).canonical().to_string();
}

class AcceptedPeer final : public IncomingPeer {
 public:
  AcceptedPeer(Tcp::socket socket, TlsContext context) {
    error_code gone;  // The peer may have left already; the handshake will say so.
    const Tcp::endpoint remote = socket.remote_endpoint(gone);
    address_ =
        gone ? "unknown" : remote.address().to_string() + ":" + std::to_string(remote.port());
    network_ = gone ? "unknown" : NetworkOf(remote.address());
    detail::SetNoDelay(socket);
    channel_ = std::make_shared<detail::TlsChannel>(std::move(socket), std::move(context));
  }

  Task<Result<std::shared_ptr<Channel>>> Handshake(TimePoint deadline) override {
    RONDO_CO_TRY_STATUS(co_await channel_->Handshake(TlsContext::Role::kServer, deadline));
    const detail::X509Ptr certificate(
        SSL_get1_peer_certificate(channel_->stream().native_handle()));
    ClientId id = certificate ? detail::ClientIdOf(certificate.get()) : ClientId();
    const bool may_be_unknown = enrolling() && certificate == nullptr;
    if (id.empty() && !may_be_unknown) {
      channel_->Close();
      co_return Fail(ErrorCode::kUnauthenticated, "the peer's certificate names no client");
    }
    channel_->set_peer(std::move(id));
    co_return std::shared_ptr<Channel>(channel_);
  }

  bool enrolling() const override { return channel_->enrolling(); }

  void Close() override { channel_->Close(); }

  std::string address() const override { return address_; }

  std::string network() const override { return network_; }

 private:
  std::shared_ptr<detail::TlsChannel> channel_;
  std::string address_;
  std::string network_;
};

class AsioListener final : public TlsListener {
 public:
  AsioListener(Tcp::acceptor acceptor, TlsContext context)
      : acceptor_(std::move(acceptor)),
        context_(std::move(context)),
        port_(acceptor_.local_endpoint().port()) {}

  std::uint16_t port() const override { return port_; }

  Task<Result<std::shared_ptr<IncomingPeer>>> Accept() override {
    auto [code, socket] = co_await acceptor_.async_accept(kAwait);
    if (code == boost::asio::error::operation_aborted || !acceptor_.is_open()) {
      co_return Fail(ErrorCode::kCancelled, "the listener was closed");
    }
    if (code) {
      co_return Fail(ErrorCode::kUnavailable, "cannot accept a connection: " + code.message());
    }
    co_return std::shared_ptr<IncomingPeer>(
        std::make_shared<AcceptedPeer>(std::move(socket), context_));
  }

  void Close() override {
    error_code ignored;  // Closing cannot be refused.
    acceptor_.close(ignored);
  }

 private:
  Tcp::acceptor acceptor_;
  TlsContext context_;
  std::uint16_t port_;
};

}  // namespace

Result<std::unique_ptr<TlsListener>> TlsListener::Listen(boost::asio::any_io_executor executor,
                                                         TlsContext context,
                                                         const std::string& host,
                                                         std::uint16_t port) {
  error_code code;
  const auto address = boost::asio::ip::make_address(host, code);
  if (code) {
    return Fail(ErrorCode::kInvalidArgument,
                "cannot listen on '" + host + "': it is no IP address of this machine");
  }
  const Tcp::endpoint endpoint(address, port);
  Tcp::acceptor acceptor(executor);
  acceptor.open(endpoint.protocol(), code);
  if (!code) {
    acceptor.set_option(Tcp::acceptor::reuse_address(true), code);
  }
  if (!code) {
    acceptor.bind(endpoint, code);
  }
  if (!code) {
    acceptor.listen(Tcp::acceptor::max_listen_connections, code);
  }
  if (code) {
    return Fail(ErrorCode::kUnavailable,
                "cannot listen on " + HostPort(host, port) + ": " + code.message());
  }
  return std::unique_ptr<TlsListener>(
      std::make_unique<AsioListener>(std::move(acceptor), std::move(context)));
}

}  // namespace rondo
