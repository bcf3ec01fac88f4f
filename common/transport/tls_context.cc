#include <fmt/chrono.h>
#include <fmt/format.h>

#include <openssl/ssl.h>

#include "common/core/file.h"
#include "common/crypto/certificate.h"
#include "common/crypto/sha256.h"
#include "common/crypto/x509_handles.h"
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

void SetCommon(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_num_tickets(context, 0);  // A resumed session would not show its certificate again.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

/// The one protocol in the wire form of ALPN.
std::string ProtocolList() {
  return static_cast<char>(detail::kEnrolmentProtocol.size())
         + std::string(detail::kEnrolmentProtocol);
}

void AskForEnrolment(SSL_CTX* context) {
  const std::string list = ProtocolList();
  SSL_CTX_set_alpn_protos(context,
                          reinterpret_cast<const unsigned char*>(list.data()),
                          static_cast<unsigned>(list.size()));
}

/// A client that asks for enrolment need not show a certificate; one that it shows must hold. The
/// server decides on the certificate only after this callback.
int SelectProtocol(SSL* ssl,
                   const unsigned char** out,
                   unsigned char* out_size,
                   const unsigned char* in,
                   unsigned in_size,
                   void*) {
  const std::string ours = ProtocolList();
  unsigned char* selected = nullptr;
  const int found = SSL_select_next_proto(&selected,
                                          out_size,
                                          in,
                                          in_size,
                                          reinterpret_cast<const unsigned char*>(ours.data()),
                                          static_cast<unsigned>(ours.size()));
  if (found != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = selected;
  SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  return SSL_TLSEXT_ERR_OK;
}

/// Newcomers know the authority by its digest alone, so the server shows it.
Status OfferEnrolment(SSL_CTX* context, const std::string& authority_pem) {
  RONDO_TRY(const detail::X509Ptr authority, detail::ParseCertificate(authority_pem));
  if (SSL_CTX_add1_chain_cert(context, authority.get()) != 1) {
    return Fail(ErrorCode::kInternal, "the authority's certificate cannot be shown to clients");
  }
  SSL_CTX_set_alpn_select_cb(context, SelectProtocol, nullptr);
  return Ok();
}

/// Trusts the one certificate of the server's chain that has the pinned digest, if any, and leaves
/// everything else to OpenSSL: signatures, dates, purpose and host.
int VerifyPinned(X509_STORE_CTX* store, void* pin) {
  using StackPtr = std::unique_ptr<STACK_OF(X509),
                                   decltype([](STACK_OF(X509) * stack) { sk_X509_free(stack); })>;
  const StackPtr trusted(sk_X509_new_null());
  STACK_OF(X509)* shown = X509_STORE_CTX_get0_untrusted(store);
  for (int i = 0; i < sk_X509_num(shown); ++i) {
    X509* certificate = sk_X509_value(shown, i);
    const auto digest = detail::CertificateSha256(certificate);
    if (digest && *digest == *static_cast<const std::string*>(pin)) {
      sk_X509_push(trusted.get(), certificate);
    }
  }
  X509_STORE_CTX_set0_trusted_stack(store, trusted.get());
  return X509_verify_cert(store);
}

}  // namespace

Result<TlsContext> TlsContext::CreatePinned(const std::string& authority_sha256) {
  if (!IsSha256Hex(authority_sha256)) {
    return Fail(ErrorCode::kInvalidArgument, "the pin of the authority is no SHA-256");
  }
  auto impl = std::make_shared<Impl>();
  impl->pin = authority_sha256;
  SSL_CTX* context = impl->context.native_handle();
  SetCommon(context);
  AskForEnrolment(context);
  SSL_CTX_set_cert_verify_callback(context, VerifyPinned, &impl->pin);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return TlsContext(std::move(impl));
}

Result<TlsContext> TlsContext::Create(const TlsFiles& files, Role role, Purpose purpose) {
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
  SetCommon(context);
  if (purpose == Purpose::kEnrolment && role == Role::kServer) {
    RONDO_TRY_STATUS(OfferEnrolment(context, authority));
  } else if (purpose == Purpose::kEnrolment) {
    AskForEnrolment(context);
  }
  SSL_CTX_set_verify(
      context,
      SSL_VERIFY_PEER | (role == Role::kServer ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
      nullptr);
  return TlsContext(std::move(impl));
}

}  // namespace rondo
