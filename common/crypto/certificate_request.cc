#include "common/crypto/certificate_request.h"

#include <array>

#include <openssl/ec.h>
#include <openssl/err.h>

#include "common/crypto/certificate_parts.h"
#include "common/crypto/sha256.h"

namespace rondo {
namespace {

using detail::KeyPtr;
using RequestPtr = std::unique_ptr<X509_REQ, detail::OpenSslDelete<X509_REQ_free>>;

Result<CertificateRequest> RequestFor(EVP_PKEY* key) {
  CertificateRequest made;
  const RequestPtr request(X509_REQ_new());
  if (request == nullptr || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1
      || X509_REQ_set_pubkey(request.get(), key) != 1
      || X509_REQ_sign(request.get(), key, EVP_sha256()) == 0) {
    return detail::OpenSslFailure("make a certificate request");
  }
  unsigned char* der = nullptr;
  const int size = i2d_X509_REQ(request.get(), &der);
  if (size <= 0) {
    return detail::OpenSslFailure("write a certificate request");
  }
  made.der.assign(der, der + size);
  OPENSSL_free(der);
  RONDO_TRY(made.key_pem, detail::KeyToPem(key));
  return made;
}

bool IsP256(const EVP_PKEY* key) {
  std::array<char, 32> group{};
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC
         && EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) == 1
         && std::string_view(group.data()) == "prime256v1";
}

/// The public key of a request that this key signed.
Result<KeyPtr> KeyOf(ByteView der) {
  const unsigned char* at = der.data();
  const RequestPtr request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
  const bool whole = request != nullptr && at == der.data() + der.size();
  KeyPtr key(whole ? X509_REQ_get_pubkey(request.get()) : nullptr);
  const bool signed_by_key = key != nullptr && X509_REQ_verify(request.get(), key.get()) == 1;
  ERR_clear_error();
  if (!signed_by_key) {
    return Fail(ErrorCode::kInvalidArgument,
                "this is no certificate request, or its key did not sign it");
  }
  if (!IsP256(key.get())) {
    return Fail(ErrorCode::kInvalidArgument, "the key of the request is none of the curve P-256");
  }
  return key;
}

}  // namespace

Result<CertificateRequest> MakeRequest() {
  RONDO_TRY(const KeyPtr key, detail::MakeKey());
  return RequestFor(key.get());
}

Result<CertificateRequest> MakeRequest(const std::string& key_pem) {
  RONDO_TRY(const KeyPtr key, detail::ParseKey(key_pem));
  return RequestFor(key.get());
}

Result<std::string> IssueFromRequest(const CertifiedKey& authority,
                                     ByteView request,
                                     const ClientId& id,
                                     const Validity& validity) {
  RONDO_TRY_STATUS(CheckClientId(id));
  RONDO_TRY(const KeyPtr key, KeyOf(request));
  return detail::Certify(&authority, key.get(), detail::ClientProfile(id), validity);
}

Result<std::string> RequestKeySha256(ByteView request) {
  RONDO_TRY(const KeyPtr key, KeyOf(request));
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key.get(), &der);
  if (size <= 0) {
    return detail::OpenSslFailure("read the key of a request");
  }
  const std::string sha256 = Sha256Hex({der, static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return sha256;
}

}  // namespace rondo
