#include <boost/asio/connect.hpp>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "common/core/host_port.h"
#include "common/transport/tls_stream.h"

namespace rondo {
namespace {

using boost::asio::experimental::awaitable_operators::operator||;
using boost::system::error_code;

/// Makes OpenSSL compare the server's certificate with the host we asked for.
void ExpectHost(SSL* ssl, const std::string& host) {
  error_code not_an_address;
  boost::asio::ip::make_address(host, not_an_address);
  if (!not_an_address) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
    return;
  }
  SSL_set_tlsext_host_name(ssl, host.c_str());
  SSL_set1_host(ssl, host.c_str());
}

Task<Result<Tcp::socket>> ConnectSocket(boost::asio::any_io_executor executor,
                                        TlsAddress address,
                                        TimePoint deadline) {
  const std::string where = HostPort(address.host, address.port);
  Timer timer(executor, deadline);
  Tcp::resolver resolver(executor);
  const std::string service = std::to_string(address.port);
  const auto resolved =
      co_await (resolver.async_resolve(address.host, service, kAwait) || timer.async_wait(kAwait));
  if (resolved.index() == 1) {
    co_return Fail(ErrorCode::kTimeout, "looking up " + address.host + " took too long");
  }
  const auto [resolve_code, endpoints] = std::get<0>(resolved);
  if (resolve_code) {
    co_return Fail(ErrorCode::kUnavailable,
                   "cannot look up the host " + address.host + ": " + resolve_code.message());
  }
  Tcp::socket socket(executor);
  const auto connected =
      co_await (boost::asio::async_connect(socket, endpoints, kAwait) || timer.async_wait(kAwait));
  if (connected.index() == 1) {
    co_return Fail(ErrorCode::kTimeout, "connecting to " + where + " took too long");
  }
  const error_code code = std::get<0>(std::get<0>(connected));
  if (code) {
    co_return Fail(ErrorCode::kUnavailable, "cannot connect to " + where + ": " + code.message());
  }
  detail::SetNoDelay(socket);
  co_return Result<Tcp::socket>(std::move(socket));
}

}  // namespace

Task<Result<std::shared_ptr<Channel>>> ConnectTls(boost::asio::any_io_executor executor,
                                                  TlsContext context,
                                                  TlsAddress address,
                                                  TimePoint deadline) {
  RONDO_CO_TRY(Tcp::socket socket, co_await ConnectSocket(executor, address, deadline));
  auto channel = std::make_shared<detail::TlsChannel>(std::move(socket), context);
  ExpectHost(channel->stream().native_handle(), address.host);
  Status done = co_await channel->Handshake(TlsContext::Role::kClient, deadline);
  if (!done) {
    Error error = std::move(done).error();
    error.message = HostPort(address.host, address.port) + ": " + error.message;
    co_return Fail(std::move(error));
  }
  channel->set_peer(address.host);
  co_return std::shared_ptr<Channel>(std::move(channel));
}

Backoff::Backoff(Duration first, Duration longest, Rng rng)
    : first_(first),
      longest_(longest),
      next_(first),
      rng_(rng) {}

Duration Backoff::Next() {
  const Duration base = next_;
  next_ = std::min(longest_, next_ * 2);
  const double factor = 0.5 + rng_.Uniform() / 2;
  return std::chrono::duration_cast<Duration>(base * factor);
}

Task<Result<std::shared_ptr<Channel>>> ConnectWithBackoff(boost::asio::any_io_executor executor,
                                                          TlsContext context,
                                                          TlsAddress address,
                                                          std::shared_ptr<Backoff> backoff,
                                                          TimePoint deadline) {
  for (;;) {
    auto channel = co_await ConnectTls(executor, context, address, deadline);
    if (channel) {
      backoff->Reset();
      co_return channel;
    }
    const TimePoint next = std::chrono::steady_clock::now() + backoff->Next();
    if (channel.error().code == ErrorCode::kUnauthenticated || next >= deadline) {
      co_return channel;
    }
    Timer timer(executor, next);
    const auto [cancelled] = co_await timer.async_wait(kAwait);
    if (cancelled) {
      co_return Fail(ErrorCode::kCancelled, "connecting was cancelled");
    }
  }
}

}  // namespace rondo
