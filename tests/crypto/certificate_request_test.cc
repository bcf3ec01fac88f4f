#include "common/crypto/certificate_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "common/crypto/x509_handles.h"

namespace rondo {
namespace {

using ::testing::HasSubstr;

TEST(CertificateRequest, GivesACertificateForTheKeyThatStaysWithTheClient) {
  const CertifiedKey authority = MakeAuthority("test authority", Validity::Days(30)).value();
  const CertificateRequest request = MakeRequest().value();

  const std::string pem =
      IssueFromRequest(authority, request.der, "north", Validity::Days(30)).value();

  const CertificateInfo info = InspectCertificate(pem).value();
  EXPECT_EQ(info.client_id, "north");
  EXPECT_EQ(info.issuer, "test authority");
  EXPECT_EQ(info.key_sha256, RequestKeySha256(request.der).value());
  EXPECT_TRUE(VerifyCertificate(pem, authority.certificate_pem));
  // The key in the client's hands fits; asked for again, so does the new request.
  EXPECT_EQ(RequestKeySha256(MakeRequest(request.key_pem)->der).value(), info.key_sha256);
  EXPECT_NE(RequestKeySha256(MakeRequest()->der).value(), info.key_sha256);
}

TEST(CertificateRequest, EveryChangedByteIsRefused) {
  const CertificateRequest request = MakeRequest().value();
  for (std::size_t i = 0; i < request.der.size(); ++i) {
    Bytes flipped = request.der;
    flipped[i] ^= 1;
    EXPECT_FALSE(RequestKeySha256(flipped)) << i;
  }
  for (std::size_t size = 0; size < request.der.size(); ++size) {
    EXPECT_FALSE(RequestKeySha256(ByteView(request.der).first(size))) << size;
  }
  Bytes longer = request.der;
  longer.push_back(0);
  EXPECT_FALSE(RequestKeySha256(longer));
}

TEST(CertificateRequest, OtherKeysThanP256AreRefused) {
  const detail::KeyPtr key(EVP_EC_gen("P-384"));
  const detail::BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* pem = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &pem);
  const CertificateRequest request =
      MakeRequest(std::string(pem, static_cast<std::size_t>(size))).value();

  EXPECT_THAT(RequestKeySha256(request.der).error().message, HasSubstr("P-256"));
}

}  // namespace
}  // namespace rondo
