#include "client/certificate.h"

#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "common/core/file.h"
#include "common/crypto/certificate.h"

namespace rondo::client {
namespace {

constexpr std::uint64_t kPemCap = 1 << 20;

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free>>;
using X509Ptr = std::unique_ptr<X509, Deleter<X509_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, Deleter<X509_STORE_CTX_free>>;

X509Ptr Parse(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return X509Ptr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

Status VerifyChain(const std::string& certificate_pem,
                   const std::string& ca_pem,
                   const IdentityPaths& paths) {
  const X509Ptr certificate = Parse(certificate_pem);
  const X509Ptr authority = Parse(ca_pem);
  if (!certificate || !authority) {
    return Fail(ErrorCode::kCorrupt,
                "no PEM certificate in " + paths.certificate.string() + " or " + paths.ca.string());
  }
  const StorePtr store(X509_STORE_new());
  const StoreContextPtr context(X509_STORE_CTX_new());
  X509_STORE_add_cert(store.get(), authority.get());
  X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr);
  if (X509_verify_cert(context.get()) == 1) {
    return Ok();
  }
  const int reason = X509_STORE_CTX_get_error(context.get());
  return Fail(ErrorCode::kUnauthenticated,
              paths.certificate.string() + " does not hold against " + paths.ca.string() + ": "
                  + X509_verify_cert_error_string(reason)
                  + "; ask the operator for a new certificate");
}

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
  RONDO_TRY_STATUS(VerifyChain(own.certificate_pem, ca_pem, paths));
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

}  // namespace rondo::client
