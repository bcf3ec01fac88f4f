#include "common/transport/tls_channel.h"

#include <boost/asio/read.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <openssl/ssl.h>

#include "common/crypto/x509_handles.h"
#include "common/transport/tls_stream.h"
#include "common/wire/frame.h"

namespace rondo::detail {
namespace {

using boost::asio::experimental::awaitable_operators::operator||;
using boost::system::error_code;

bool IsCertificateAlert(int reason) {
  switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
      return true;
    default:
      return false;
  }
}

const char* Advice(long verify_result) {
  switch (verify_result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "its certificate is not valid yet; check the clocks";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "its certificate names another host; connect under a name of the certificate";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "its certificate was signed by a foreign authority";
    case X509_V_ERR_INVALID_PURPOSE:
      return "its certificate was made for the other side";
    default:
      return X509_verify_cert_error_string(verify_result);
  }
}

std::string AlertText(int reason) {
  switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "it asks for a client certificate";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return "it does not know the authority of our certificate";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return "our certificate has expired";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
      return "our certificate was revoked";
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return "TLS 1.3 is required";
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return "it showed no certificate";
    default: {
      const char* text = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, reason));
      return text == nullptr ? "unknown TLS error" : text;
    }
  }
}

Error TimedOut(const std::string& what) {
  return Error{ErrorCode::kTimeout, what + " took too long"};
}

}  // namespace

Error TlsError(const error_code& code, TlsStream& stream, const std::string& what) {
  if (code.category() != boost::asio::error::get_ssl_category()) {
    const bool ended = code == boost::asio::error::eof
                       || code == boost::asio::ssl::error::stream_truncated
                       || code == boost::asio::error::connection_reset;
    return Error{ErrorCode::kUnavailable,
                 what + ": " + (ended ? "the peer closed the connection" : code.message())};
  }
  const long verify_result = SSL_get_verify_result(stream.native_handle());
  const int reason = ERR_GET_REASON(static_cast<unsigned long>(code.value()));
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    return Error{ErrorCode::kUnauthenticated,
                 what + ": the peer was refused, " + Advice(verify_result)};
  }
  if (IsCertificateAlert(reason)) {
    return Error{ErrorCode::kUnauthenticated, what + ": the peer refused us, " + AlertText(reason)};
  }
  const bool identity =
      reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE;
  return Error{identity ? ErrorCode::kUnauthenticated : ErrorCode::kUnavailable,
               what + ": the peer was refused, " + AlertText(reason)};
}

void SetNoDelay(Tcp::socket& socket) {
  error_code ignored;  // A slower connection is still a connection.
  socket.set_option(Tcp::no_delay(true), ignored);
}

TlsChannel::TlsChannel(Tcp::socket socket, TlsContext context)
    : context_(std::move(context)),
      stream_(std::move(socket), context_.impl()->context) {}

Task<Status> TlsChannel::Handshake(TlsContext::Role role, TimePoint deadline) {
  const auto type = role == TlsContext::Role::kServer ? TlsStream::server : TlsStream::client;
  Timer timer(stream_.get_executor(), deadline);
  const auto outcome = co_await (stream_.async_handshake(type, kAwait) || timer.async_wait(kAwait));
  if (outcome.index() == 1) {
    Close();
    co_return Fail(TimedOut("the TLS handshake"));
  }
  const auto [code] = std::get<0>(outcome);
  if (code) {
    Error error = TlsError(code, stream_, "TLS handshake");
    Close();
    co_return Fail(std::move(error));
  }
  Status learnt = Learn();
  if (!learnt) {
    Close();
  }
  co_return learnt;
}

Status TlsChannel::Learn() {
  SSL* ssl = stream_.native_handle();
  if (const X509Ptr certificate(SSL_get1_peer_certificate(ssl)); certificate != nullptr) {
    RONDO_TRY(security_.key_sha256, KeySha256(certificate.get()));
  }
  const std::string_view label = kBindingLabel;
  if (SSL_export_keying_material(ssl,
                                 security_.binding.data(),
                                 security_.binding.size(),
                                 label.data(),
                                 label.size(),
                                 nullptr,
                                 0,
                                 0)
      != 1) {
    return Fail(ErrorCode::kInternal, "TLS gives no keying material");
  }
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &size);
  enrolling_ = AsText(ByteView(protocol, size)) == kEnrolmentProtocol;
  if (enrolling_ && SSL_is_server(ssl) == 1) {
    rules_.largest = kEnrolmentCap;
  }
  return Ok();
}

Task<Status> TlsChannel::Send(Bytes frame, TimePoint deadline) {
  if (!socket().is_open()) {
    co_return Fail(ErrorCode::kUnavailable, "the connection is closed");
  }
  Timer timer(stream_.get_executor(), deadline);
  const auto buffer = boost::asio::buffer(frame);
  const auto outcome =
      co_await (boost::asio::async_write(stream_, buffer, kAwait) || timer.async_wait(kAwait));
  if (outcome.index() == 1) {
    Close();
    co_return Fail(TimedOut("sending a frame"));
  }
  const auto [code, size] = std::get<0>(outcome);
  bytes_sent_ += size;
  if (code) {
    Error error = TlsError(code, stream_, "sending a frame");
    Close();
    co_return Fail(std::move(error));
  }
  co_return Ok();
}

Task<Status> TlsChannel::ReadExactly(std::span<std::uint8_t> out,
                                     bool inside_frame,
                                     TimePoint deadline) {
  if (!socket().is_open()) {
    co_return Fail(ErrorCode::kUnavailable, "the connection is closed");
  }
  Timer timer(stream_.get_executor(), deadline);
  const auto buffer = boost::asio::buffer(out.data(), out.size());
  const auto outcome =
      co_await (boost::asio::async_read(stream_, buffer, kAwait) || timer.async_wait(kAwait));
  if (outcome.index() == 1) {
    Close();
    co_return Fail(TimedOut("waiting for a frame"));
  }
  const auto [code, size] = std::get<0>(outcome);
  bytes_received_ += size;
  if (code) {
    const bool midway = inside_frame || size > 0;
    Error error =
        TlsError(code, stream_, midway ? "in the middle of a frame" : "waiting for a frame");
    Close();
    co_return Fail(std::move(error));
  }
  co_return Ok();
}

TimePoint TlsChannel::UntilWhole(std::size_t bytes) const {
  const double seconds = static_cast<double>(bytes) / rules_.least_bytes_per_s;
  return std::chrono::steady_clock::now() + rules_.header_time
         + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

Task<Result<Bytes>> TlsChannel::Receive(TimePoint deadline) {
  std::array<std::uint8_t, wire::kFrameHeaderSize> header_bytes{};
  const std::span header_span(header_bytes);
  RONDO_CO_TRY_STATUS(co_await ReadExactly(header_span.first(1), false, deadline));
  const TimePoint header_until = std::chrono::steady_clock::now() + rules_.header_time;
  RONDO_CO_TRY_STATUS(co_await ReadExactly(header_span.subspan(1), true, header_until));
  auto header = wire::ParseFrameHeader(header_bytes);
  if (!header) {
    Close();  // What follows cannot be read: the next header's place is unknown.
    co_return Fail(std::move(header).error());
  }
  if (header.value().length > rules_.largest) {
    Close();
    co_return Fail(ErrorCode::kCorrupt, "a frame announces more than may come now");
  }
  Bytes frame(wire::kFrameHeaderSize + header.value().length);
  std::copy(header_bytes.begin(), header_bytes.end(), frame.begin());
  if (header.value().length > 0) {
    const auto rest = std::span(frame).subspan(wire::kFrameHeaderSize);
    RONDO_CO_TRY_STATUS(co_await ReadExactly(rest, true, UntilWhole(rest.size())));
  }
  co_return frame;
}

void TlsChannel::Close() {
  error_code ignored;  // Closing cannot be refused.
  socket().shutdown(Tcp::socket::shutdown_both, ignored);
  socket().close(ignored);
}

}  // namespace rondo::detail
