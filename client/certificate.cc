#include "client/certificate.h"

#include "common/core/file.h"
#include "common/crypto/certificate.h"

namespace rondo::client {
namespace {

constexpr std::uint64_t kPemCap = 1 << 20;

bool IsPrivate(const std::filesystem::path& key) {
  namespace fs = std::filesystem;
  const fs::perms others = fs::perms::group_all | fs::perms::others_all;
  std::error_code error;
  const fs::file_status status = fs::status(key, error);
  return !error && (status.permissions() & others) == fs::perms::none;
}

}  // namespace

Result<IdentityReport> InspectIdentity(const IdentityPaths& paths) {
  RONDO_TRY(const CertifiedKey own, LoadCertifiedKey(paths.certificate, paths.key));
  RONDO_TRY(const std::string ca_pem, ReadTextFile(paths.ca, kPemCap));
  RONDO_TRY(const CertificateInfo certificate, InspectCertificate(own.certificate_pem));
  RONDO_TRY(const CertificateInfo authority, InspectCertificate(ca_pem));
  if (const Status held = VerifyCertificate(own.certificate_pem, ca_pem); !held) {
    return Fail(held.error().code,
                paths.certificate.string() + " does not hold against " + paths.ca.string() + ": "
                    + held.error().message + "; ask the operator for a new certificate");
  }
  if (certificate.client_id.empty()) {
    return Fail(
        ErrorCode::kUnauthenticated,
        paths.certificate.string() + " names no client; ask the operator for a client certificate");
  }
  return IdentityReport{.id = certificate.client_id,
                        .authority = authority.subject,
                        .expires = certificate.not_after,
                        .authority_since = authority.not_before,
                        .key_is_private = IsPrivate(paths.key)};
}

std::string KeyFix(const IdentityPaths& paths) {
  return "chmod 600 " + paths.key.string();
}

}  // namespace rondo::client
