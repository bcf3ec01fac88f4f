#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/ids.h"
#include "common/core/result.h"

/// X.509 certificates of a federation: one authority of its own, one server certificate, one
/// certificate a client. Keys are NIST P-256; the id of a client is the URI `rondo://client/ID` in
/// its subject alternative names.
namespace rondo {

/// A certificate and its private key in PEM.
struct CertifiedKey {
  std::string certificate_pem;
  std::string key_pem;
};

struct Validity {
  std::chrono::system_clock::time_point from;
  std::chrono::system_clock::time_point until;

  /// From a day ago, so that clocks may differ, for `days` from now.
  static Validity Days(int days);
};

/// Makes a self-signed authority that may sign servers and clients, nothing below them.
Result<CertifiedKey> MakeAuthority(const std::string& name, const Validity& validity);

/// `hosts` are DNS names and IP addresses under which clients reach the server; at least one.
/// Errors  kInvalidArgument for no host or a name that no certificate can hold.
Result<CertifiedKey> IssueServer(const CertifiedKey& authority,
                                 const std::vector<std::string>& hosts,
                                 const Validity& validity);

/// Errors  kInvalidArgument if `id` is not a client id.
Result<CertifiedKey> IssueClient(const CertifiedKey& authority,
                                 const ClientId& id,
                                 const Validity& validity);

/// Client ids are 1 to 64 letters, digits, dots, dashes and underscores, not starting with a dot:
/// they name folders and metrics. Errors  kInvalidArgument.
Status CheckClientId(std::string_view id);

/// Writes the certificate (0644) and the key (0600).
Status SaveCertifiedKey(const CertifiedKey& pair,
                        const std::filesystem::path& certificate,
                        const std::filesystem::path& key);

/// Errors  kNotFound, kIo; kInvalidArgument if the key does not belong to the certificate.
Result<CertifiedKey> LoadCertifiedKey(const std::filesystem::path& certificate,
                                      const std::filesystem::path& key);

struct CertificateInfo {
  std::string subject;             ///< common name
  std::string issuer;              ///< common name
  ClientId client_id;              ///< empty if it is no client certificate
  std::vector<std::string> hosts;  ///< DNS names and IP addresses
  std::chrono::system_clock::time_point not_before;
  std::chrono::system_clock::time_point not_after;
  std::string sha256;      ///< of the DER form
  std::string key_sha256;  ///< of the DER form of the public key (SubjectPublicKeyInfo)
};

/// Checks that `authority_pem` signed `certificate_pem` and that it is valid now.
/// Errors  kCorrupt if either holds no certificate; kUnauthenticated with OpenSSL's reason.
Status VerifyCertificate(std::string_view certificate_pem, std::string_view authority_pem);

/// Errors  kCorrupt if `pem` holds no certificate.
Result<CertificateInfo> InspectCertificate(std::string_view pem);

}  // namespace rondo
