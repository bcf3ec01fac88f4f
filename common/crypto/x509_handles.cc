#include "common/crypto/x509_handles.h"

#include <arpa/inet.h>
#include <array>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/crypto/certificate.h"
#include "common/crypto/sha256.h"

namespace rondo::detail {
namespace {

using NamesPtr = std::unique_ptr<GENERAL_NAMES, OpenSslDelete<GENERAL_NAMES_free>>;

NamesPtr SubjectNames(X509* certificate) {
  return NamesPtr(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
}

std::string Text(const ASN1_STRING* value) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(ASN1_STRING_length(value))};
}

}  // namespace

Result<X509Ptr> ParseCertificate(std::string_view pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (certificate == nullptr) {
    return Fail(ErrorCode::kCorrupt, "the file holds no certificate in PEM");
  }
  return certificate;
}

ClientId ClientIdOf(X509* certificate) {
  const NamesPtr names = SubjectNames(certificate);
  ClientId id;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) {
      continue;
    }
    const std::string uri = Text(name->d.uniformResourceIdentifier);
    if (!uri.starts_with(kClientUriPrefix)) {
      continue;
    }
    if (!id.empty()) {
      return {};
    }
    id = uri.substr(kClientUriPrefix.size());
    if (!CheckClientId(id)) {
      return {};
    }
  }
  return id;
}

std::vector<std::string> HostsOf(X509* certificate) {
  const NamesPtr names = SubjectNames(certificate);
  std::vector<std::string> hosts;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) {
      hosts.push_back(Text(name->d.dNSName));
    } else if (name->type == GEN_IPADD) {
      const int family = ASN1_STRING_length(name->d.iPAddress) == 4 ? AF_INET : AF_INET6;
      std::array<char, INET6_ADDRSTRLEN> text{};
      if (inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), text.data(), text.size())
          != nullptr) {
        hosts.emplace_back(text.data());
      }
    }
  }
  return hosts;
}

Result<std::string> CertificateSha256(X509* certificate) {
  std::array<std::uint8_t, 32> digest{};
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) {
    return Fail(ErrorCode::kInternal, "cannot hash a certificate");
  }
  return ToHex(digest);
}

Result<std::string> KeySha256(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) {
    return Fail(ErrorCode::kInternal, "cannot read the key of a certificate");
  }
  const std::string sha256 = Sha256Hex({der, static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return sha256;
}

}  // namespace rondo::detail
