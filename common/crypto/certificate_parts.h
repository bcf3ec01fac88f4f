#pragma once

#include <string>

#include "common/crypto/certificate.h"
#include "common/crypto/x509_handles.h"

/// How certificates are made; shared by the sources of certificates and requests only.
namespace rondo::detail {

/// OpenSSL's newest reason; clears its queue. Errors  kInternal.
Failure OpenSslFailure(const char* what);

/// What distinguishes the three kinds of certificates.
struct Profile {
  std::string common_name;
  std::string subject_names;  ///< in OpenSSL's configuration syntax; empty: none
  const char* basic_constraints;
  const char* key_usage;
  const char* extended_usage;  ///< null: none
};

Profile ClientProfile(const ClientId& id);

/// A new NIST P-256 key.
Result<KeyPtr> MakeKey();

Result<std::string> KeyToPem(EVP_PKEY* key);

/// Errors  kCorrupt if `pem` holds no private key.
Result<KeyPtr> ParseKey(std::string_view pem);

/// The certificate of `key` in PEM, signed by `authority`, or by the key itself if that is null.
Result<std::string> Certify(const CertifiedKey* authority,
                            EVP_PKEY* key,
                            const Profile& profile,
                            const Validity& validity);

/// Makes a key and certifies it.
Result<CertifiedKey> Issue(const CertifiedKey* authority,
                           const Profile& profile,
                           const Validity& validity);

}  // namespace rondo::detail
