#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/core/ids.h"
#include "common/core/result.h"

/// OpenSSL objects with owners; shared by common/crypto and common/transport only.
namespace rondo::detail {

template <auto Free>
struct OpenSslDelete {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

using BioPtr = std::unique_ptr<BIO, OpenSslDelete<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpenSslDelete<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, OpenSslDelete<X509_free>>;

inline constexpr std::string_view kClientUriPrefix = "rondo://client/";

/// Errors  kCorrupt if there is no certificate in `pem`.
Result<X509Ptr> ParseCertificate(std::string_view pem);

/// The id in the subject alternative names; empty if there is none, or not exactly one valid one.
ClientId ClientIdOf(X509* certificate);

/// DNS names and IP addresses in the subject alternative names.
std::vector<std::string> HostsOf(X509* certificate);

/// SHA-256 of the DER form of the certificate, or of its public key, in hexadecimal.
/// Errors  kInternal.
Result<std::string> CertificateSha256(X509* certificate);
Result<std::string> KeySha256(X509* certificate);

}  // namespace rondo::detail
