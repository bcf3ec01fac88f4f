#include "common/crypto/certificate.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cctype>
#include <ctime>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "common/core/file.h"
#include "common/crypto/certificate_parts.h"
#include "common/crypto/x509_handles.h"

namespace rondo {
namespace {

using Clock = std::chrono::system_clock;
using detail::BioPtr;
using detail::Issue;
using detail::KeyPtr;
using detail::OpenSslFailure;
using detail::ParseKey;
using detail::X509Ptr;

constexpr std::uint64_t kPemCap = 1ULL << 20;

bool IsAddress(const std::string& host) {
  std::array<unsigned char, 16> out{};
  return inet_pton(AF_INET, host.c_str(), out.data()) == 1
         || inet_pton(AF_INET6, host.c_str(), out.data()) == 1;
}

Status CheckHost(const std::string& host) {
  const bool clean =
      !host.empty() && host.size() <= 64 && std::ranges::all_of(host, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '-' || c == ':' || c == '_';
      });
  if (!clean || (host.find(':') != std::string::npos && !IsAddress(host))) {
    return Fail(ErrorCode::kInvalidArgument,
                "'" + host + "' is neither a host name nor an IP address of at most 64 characters");
  }
  return Ok();
}

std::string CommonName(const X509_NAME* name) {
  std::array<char, 256> text{};
  X509_NAME_get_text_by_NID(
      const_cast<X509_NAME*>(name), NID_commonName, text.data(), static_cast<int>(text.size()));
  return text.data();
}

Result<Clock::time_point> ToTimePoint(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    return Fail(ErrorCode::kCorrupt, "a date in the certificate is malformed");
  }
  return Clock::from_time_t(timegm(&parts));
}

}  // namespace

Validity Validity::Days(int days) {
  const auto now = Clock::now();
  return {.from = now - std::chrono::hours(24), .until = now + std::chrono::hours(24) * days};
}

Result<CertifiedKey> MakeAuthority(const std::string& name, const Validity& validity) {
  return Issue(nullptr,
               {.common_name = name.substr(0, 64),
                .basic_constraints = "critical,CA:TRUE,pathlen:0",
                .key_usage = "critical,keyCertSign,cRLSign"},
               validity);
}

Result<CertifiedKey> IssueServer(const CertifiedKey& authority,
                                 const std::vector<std::string>& hosts,
                                 const Validity& validity) {
  if (hosts.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "a server certificate needs at least one host");
  }
  std::string names;
  for (const std::string& host : hosts) {
    RONDO_TRY_STATUS(CheckHost(host));
    names += (names.empty() ? "" : ",") + std::string(IsAddress(host) ? "IP:" : "DNS:") + host;
  }
  return Issue(&authority,
               {.common_name = hosts.front(),
                .subject_names = names,
                .basic_constraints = "critical,CA:FALSE",
                .key_usage = "critical,digitalSignature",
                .extended_usage = "serverAuth"},
               validity);
}

Result<CertifiedKey> IssueClient(const CertifiedKey& authority,
                                 const ClientId& id,
                                 const Validity& validity) {
  RONDO_TRY_STATUS(CheckClientId(id));
  return Issue(&authority, detail::ClientProfile(id), validity);
}

Status CheckClientId(std::string_view id) {
  const bool valid = !id.empty() && id.size() <= 64 && id.front() != '.'
                     && std::ranges::all_of(id, [](unsigned char c) {
                          return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
                        });
  if (!valid) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "a client id is 1 to 64 letters, digits, '.', '-' or '_' and does not start with '.', got '"
            + std::string(id.substr(0, 80)) + "'");
  }
  return Ok();
}

Status SaveCertifiedKey(const CertifiedKey& pair,
                        const std::filesystem::path& certificate,
                        const std::filesystem::path& key) {
  RONDO_TRY_STATUS(WriteTextFile(key, pair.key_pem, 0600));
  return WriteTextFile(certificate, pair.certificate_pem, 0644);
}

Result<CertifiedKey> LoadCertifiedKey(const std::filesystem::path& certificate,
                                      const std::filesystem::path& key) {
  CertifiedKey pair;
  RONDO_TRY(pair.certificate_pem, ReadTextFile(certificate, kPemCap));
  RONDO_TRY(pair.key_pem, ReadTextFile(key, kPemCap));
  auto x509 = detail::ParseCertificate(pair.certificate_pem);
  if (!x509) {
    return Fail(ErrorCode::kInvalidArgument, certificate.string() + ": " + x509.error().message);
  }
  auto parsed_key = ParseKey(pair.key_pem);
  if (!parsed_key) {
    return Fail(ErrorCode::kInvalidArgument, key.string() + ": " + parsed_key.error().message);
  }
  const bool match = X509_check_private_key(x509.value().get(), parsed_key.value().get()) == 1;
  ERR_clear_error();
  if (!match) {
    return Fail(
        ErrorCode::kInvalidArgument,
        key.string() + ": this key does not belong to the certificate " + certificate.string());
  }
  return pair;
}

Status VerifyCertificate(std::string_view certificate_pem, std::string_view authority_pem) {
  using StorePtr = std::unique_ptr<X509_STORE, detail::OpenSslDelete<X509_STORE_free>>;
  using ContextPtr = std::unique_ptr<X509_STORE_CTX, detail::OpenSslDelete<X509_STORE_CTX_free>>;
  RONDO_TRY(const X509Ptr certificate, detail::ParseCertificate(certificate_pem));
  RONDO_TRY(const X509Ptr authority, detail::ParseCertificate(authority_pem));
  const StorePtr store(X509_STORE_new());
  const ContextPtr context(X509_STORE_CTX_new());
  X509_STORE_add_cert(store.get(), authority.get());
  X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr);
  if (X509_verify_cert(context.get()) == 1) {
    return Ok();
  }
  const int reason = X509_STORE_CTX_get_error(context.get());
  return Fail(ErrorCode::kUnauthenticated, X509_verify_cert_error_string(reason));
}

Result<CertificateInfo> InspectCertificate(std::string_view pem) {
  RONDO_TRY(const X509Ptr certificate, detail::ParseCertificate(pem));
  CertificateInfo info;
  info.subject = CommonName(X509_get_subject_name(certificate.get()));
  info.issuer = CommonName(X509_get_issuer_name(certificate.get()));
  info.client_id = detail::ClientIdOf(certificate.get());
  info.hosts = detail::HostsOf(certificate.get());
  RONDO_TRY(info.not_before, ToTimePoint(X509_get0_notBefore(certificate.get())));
  RONDO_TRY(info.not_after, ToTimePoint(X509_get0_notAfter(certificate.get())));
  RONDO_TRY(info.sha256, detail::CertificateSha256(certificate.get()));
  RONDO_TRY(info.key_sha256, detail::KeySha256(certificate.get()));
  return info;
}

}  // namespace rondo
