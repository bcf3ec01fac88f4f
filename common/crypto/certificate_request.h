#pragma once

#include <string>

#include "common/core/bytes.h"
#include "common/crypto/certificate.h"

/// A client's half of getting a certificate: it keeps the key and asks for the rest.
namespace rondo {

/// A new NIST P-256 key and the PKCS #10 request (RFC 2986) that proves its possession.
struct CertificateRequest {
  std::string key_pem;
  Bytes der;
};

Result<CertificateRequest> MakeRequest();

/// The request for a key that exists already. Errors  kCorrupt if `key_pem` holds no key.
Result<CertificateRequest> MakeRequest(const std::string& key_pem);

/// The certificate in PEM that `authority` gives `id` for the key of the request. Nothing else of
/// the request counts: what a certificate says is the authority's affair.
/// Errors  kInvalidArgument for bytes that are no request, one that its key did not sign, or
/// another kind of key than P-256; the errors of CheckClientId.
Result<std::string> IssueFromRequest(const CertifiedKey& authority,
                                     ByteView request,
                                     const ClientId& id,
                                     const Validity& validity);

/// SHA-256 of the request's public key as in CertificateInfo::key_sha256.
/// Errors  kInvalidArgument as IssueFromRequest.
Result<std::string> RequestKeySha256(ByteView request);

}  // namespace rondo
