#include <boost/asio/connect.hpp>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "common/core/host_port.h"
#include "common/transport/tls_stream.h"

namespace rondo {
namespace {

using boost::asio::experimental::awaitable_operators::operator||;
using boost::system::error_code;

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

namespace detail {

Status ExpectHost(SSL* ssl, const std::string& host) {
  error_code not_an_address;
  const auto address = boost::asio::ip::make_address(host, not_an_address);
  bool set = false;
  if (not_an_address) {
    // An empty name would switch the comparison off, and a zero byte end it early.
    set = !host.empty() && host.find('\0') == std::string::npos
          && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1
          && SSL_set1_host(ssl, host.c_str()) == 1;
  } else {
    // The scope of a link-local address ("%eth0") is this machine's affair and in no certificate.
    const std::string plain = address.to_string();
    const std::string bare = plain.substr(0, plain.find('%'));
    set = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), bare.c_str()) == 1;
  }
  if (!set) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "'" + host + "' is no host that a certificate can name; give a DNS name or an IP address");
  }
  return Ok();
}

}  // namespace detail

Task<Result<std::shared_ptr<Channel>>> ConnectTls(boost::asio::any_io_executor executor,
                                                  TlsContext context,
                                                  TlsAddress address,
                                                  TimePoint deadline) {
  RONDO_CO_TRY(Tcp::socket socket, co_await ConnectSocket(executor, address, deadline));
  auto channel = std::make_shared<detail::TlsChannel>(std::move(socket), context);
  RONDO_CO_TRY_STATUS(detail::ExpectHost(channel->stream().native_handle(), address.host));
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

}  // namespace rondo
