#include "common/crypto/certificate_parts.h"

#include <algorithm>
#include <array>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/crypto/random.h"

namespace rondo::detail {
namespace {

using Clock = std::chrono::system_clock;

std::string BioText(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(std::max(0L, size))};
}

Result<std::string> CertificateToPem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(bio.get(), certificate) != 1) {
    return OpenSslFailure("write a certificate");
  }
  return BioText(bio.get());
}

Status AddExtension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  if (extension == nullptr) {
    return OpenSslFailure("make a certificate extension");
  }
  const int added = X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  if (added != 1) {
    return OpenSslFailure("add a certificate extension");
  }
  return Ok();
}

Status SetSerial(X509* certificate) {
  std::array<std::uint8_t, 16> serial{};
  SecureRandom(serial);
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7F) | 0x40);  // Positive and of full length.
  BIGNUM* number = BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr);
  const bool set = number != nullptr
                   && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  if (!set) {
    return OpenSslFailure("set a serial number");
  }
  return Ok();
}

Status AddExtensions(X509* certificate, X509* issuer, const Profile& profile) {
  RONDO_TRY_STATUS(
      AddExtension(certificate, issuer, NID_basic_constraints, profile.basic_constraints));
  RONDO_TRY_STATUS(AddExtension(certificate, issuer, NID_key_usage, profile.key_usage));
  RONDO_TRY_STATUS(AddExtension(certificate, issuer, NID_subject_key_identifier, "hash"));
  if (issuer != certificate) {
    RONDO_TRY_STATUS(
        AddExtension(certificate, issuer, NID_authority_key_identifier, "keyid:always"));
  }
  if (profile.extended_usage != nullptr) {
    RONDO_TRY_STATUS(AddExtension(certificate, issuer, NID_ext_key_usage, profile.extended_usage));
  }
  if (!profile.subject_names.empty()) {
    RONDO_TRY_STATUS(
        AddExtension(certificate, issuer, NID_subject_alt_name, profile.subject_names.c_str()));
  }
  return Ok();
}

Status SetName(X509* certificate, const std::string& common_name) {
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
  X509_NAME* name = X509_get_subject_name(certificate);
  if (X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) != 1) {
    return OpenSslFailure("set the name of a certificate");
  }
  return Ok();
}

}  // namespace

Failure OpenSslFailure(const char* what) {
  const unsigned long code = ERR_get_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return Fail(ErrorCode::kInternal,
              std::string("cannot ") + what + ": "
                  + (reason == nullptr ? "OpenSSL gives no reason" : reason));
}

Result<std::string> KeyToPem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  if (PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return OpenSslFailure("write a private key");
  }
  return BioText(bio.get());
}

Result<KeyPtr> ParseKey(std::string_view pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (key == nullptr) {
    return Fail(ErrorCode::kCorrupt, "the file holds no private key in PEM");
  }
  return key;
}

Result<KeyPtr> MakeKey() {
  KeyPtr key(EVP_EC_gen("P-256"));
  if (key == nullptr) {
    return OpenSslFailure("make a key");
  }
  return key;
}

Profile ClientProfile(const ClientId& id) {
  return {.common_name = id,
          .subject_names = "URI:" + std::string(kClientUriPrefix) + id,
          .basic_constraints = "critical,CA:FALSE",
          .key_usage = "critical,digitalSignature",
          .extended_usage = "clientAuth"};
}

Result<std::string> Certify(const CertifiedKey* authority,
                            EVP_PKEY* key,
                            const Profile& profile,
                            const Validity& validity) {
  const X509Ptr certificate(X509_new());
  if (certificate == nullptr) {
    return OpenSslFailure("make a certificate");
  }
  X509Ptr issuer;
  KeyPtr signing_key;
  if (authority != nullptr) {
    RONDO_TRY(issuer, ParseCertificate(authority->certificate_pem));
    RONDO_TRY(signing_key, ParseKey(authority->key_pem));
  }
  X509_set_version(certificate.get(), X509_VERSION_3);
  RONDO_TRY_STATUS(SetSerial(certificate.get()));
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), Clock::to_time_t(validity.from));
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), Clock::to_time_t(validity.until));
  X509_set_pubkey(certificate.get(), key);
  RONDO_TRY_STATUS(SetName(certificate.get(), profile.common_name));
  X509* parent = issuer ? issuer.get() : certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(parent));
  RONDO_TRY_STATUS(AddExtensions(certificate.get(), parent, profile));
  EVP_PKEY* signer = signing_key ? signing_key.get() : key;
  if (X509_sign(certificate.get(), signer, EVP_sha256()) == 0) {
    return OpenSslFailure("sign a certificate");
  }
  return CertificateToPem(certificate.get());
}

Result<CertifiedKey> Issue(const CertifiedKey* authority,
                           const Profile& profile,
                           const Validity& validity) {
  RONDO_TRY(const KeyPtr key, MakeKey());
  CertifiedKey pair;
  RONDO_TRY(pair.certificate_pem, Certify(authority, key.get(), profile, validity));
  RONDO_TRY(pair.key_pem, KeyToPem(key.get()));
  return pair;
}

}  // namespace rondo::detail
