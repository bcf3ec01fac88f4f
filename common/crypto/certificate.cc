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
#include "common/crypto/random.h"
#include "common/crypto/sha256.h"
#include "common/crypto/x509_handles.h"

namespace rondo {
namespace {

using Clock = std::chrono::system_clock;
using detail::BioPtr;
using detail::KeyPtr;
using detail::X509Ptr;

constexpr std::uint64_t kPemCap = 1ULL << 20;

Failure OpenSslFailure(const char* what) {
  const unsigned long code = ERR_get_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return Fail(ErrorCode::kInternal,
              std::string("cannot ") + what + ": "
                  + (reason == nullptr ? "OpenSSL gives no reason" : reason));
}

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

/// What distinguishes the three kinds of certificates.
struct Profile {
  std::string common_name;
  std::string subject_names;  ///< in OpenSSL's configuration syntax; empty: none
  const char* basic_constraints;
  const char* key_usage;
  const char* extended_usage;  ///< null: none
};

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

/// Makes a key and signs it with `authority`, or with itself if that is null.
Result<CertifiedKey> Issue(const CertifiedKey* authority,
                           const Profile& profile,
                           const Validity& validity) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const X509Ptr certificate(X509_new());
  if (key == nullptr || certificate == nullptr) {
    return OpenSslFailure("make a key");
  }
  X509Ptr issuer;
  KeyPtr signing_key;
  if (authority != nullptr) {
    RONDO_TRY(issuer, detail::ParseCertificate(authority->certificate_pem));
    RONDO_TRY(signing_key, ParseKey(authority->key_pem));
  }
  X509_set_version(certificate.get(), X509_VERSION_3);
  RONDO_TRY_STATUS(SetSerial(certificate.get()));
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), Clock::to_time_t(validity.from));
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), Clock::to_time_t(validity.until));
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* name = X509_get_subject_name(certificate.get());
  if (X509_NAME_add_entry_by_txt(
          name,
          "CN",
          MBSTRING_UTF8,
          reinterpret_cast<const unsigned char*>(profile.common_name.c_str()),
          -1,
          -1,
          0)
      != 1) {
    return OpenSslFailure("set the name of a certificate");
  }
  X509* parent = issuer ? issuer.get() : certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(parent));
  RONDO_TRY_STATUS(AddExtensions(certificate.get(), parent, profile));
  EVP_PKEY* signer = signing_key ? signing_key.get() : key.get();
  if (X509_sign(certificate.get(), signer, EVP_sha256()) == 0) {
    return OpenSslFailure("sign a certificate");
  }

  CertifiedKey pair;
  RONDO_TRY(pair.certificate_pem, CertificateToPem(certificate.get()));
  RONDO_TRY(pair.key_pem, KeyToPem(key.get()));
  return pair;
}

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
  return Issue(&authority,
               {.common_name = id,
                .subject_names = "URI:" + std::string(detail::kClientUriPrefix) + id,
                .basic_constraints = "critical,CA:FALSE",
                .key_usage = "critical,digitalSignature",
                .extended_usage = "clientAuth"},
               validity);
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
  std::array<std::uint8_t, 32> digest{};
  unsigned size = 0;
  if (X509_digest(certificate.get(), EVP_sha256(), digest.data(), &size) != 1) {
    return OpenSslFailure("hash a certificate");
  }
  info.sha256 = ToHex(digest);
  return info;
}

}  // namespace rondo
