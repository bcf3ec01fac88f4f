#include <fmt/chrono.h>
#include <fmt/format.h>

#include <openssl/ssl.h>

#include "common/core/file.h"
#include "common/crypto/certificate.h"
#include "common/transport/tls_stream.h"

namespace rondo {
namespace {

namespace ssl = boost::asio::ssl;

std::string Date(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%Y-%m-%d %H:%M} UTC",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

Status CheckOwnValidity(const CertificateInfo& info, const std::filesystem::path& file) {
  const auto now = std::chrono::system_clock::now();
  if (now > info.not_after) {
    return Fail(ErrorCode::kUnauthenticated,
                file.string() + ": this certificate expired on " + Date(info.not_after)
                    + "; ask the operator of the federation for a new one");
  }
  if (now < info.not_before) {
    return Fail(ErrorCode::kUnauthenticated,
                file.string() + ": this certificate is valid from " + Date(info.not_before)
                    + "; check this machine's clock");
  }
  return Ok();
}

Status UseCertificates(ssl::context& context,
                       const CertifiedKey& own,
                       const std::string& authority) {
  boost::system::error_code code;
  context.use_certificate_chain(boost::asio::buffer(own.certificate_pem), code);
  if (!code) {
    context.use_private_key(boost::asio::buffer(own.key_pem), ssl::context::pem, code);
  }
  if (!code) {
    context.add_certificate_authority(boost::asio::buffer(authority), code);
  }
  if (code) {
    return Fail(ErrorCode::kInvalidArgument,
                "the TLS certificates cannot be used: " + code.message());
  }
  return Ok();
}

}  // namespace

Result<TlsContext> TlsContext::Create(const TlsFiles& files, Role role) {
  RONDO_TRY(const CertifiedKey own, LoadCertifiedKey(files.certificate, files.key));
  RONDO_TRY(const std::string authority, ReadTextFile(files.authority, 1U << 20));
  if (auto info = InspectCertificate(authority); !info) {
    return Fail(ErrorCode::kInvalidArgument,
                files.authority.string() + ": " + info.error().message);
  }
  RONDO_TRY(const CertificateInfo info, InspectCertificate(own.certificate_pem));
  RONDO_TRY_STATUS(CheckOwnValidity(info, files.certificate));

  auto impl = std::make_shared<Impl>();
  RONDO_TRY_STATUS(UseCertificates(impl->context, own, authority));
  SSL_CTX* context = impl->context.native_handle();
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_num_tickets(context, 0);  // A resumed session would not show its certificate again.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(
      context,
      SSL_VERIFY_PEER | (role == Role::kServer ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
      nullptr);
  return TlsContext(std::move(impl));
}

}  // namespace rondo
