#include "common/crypto/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace rondo {
namespace {

using ::testing::ElementsAre;

TEST(Certificate, NamesItsClientItsHostsAndItsEnd) {
  const CertifiedKey authority = MakeAuthority("test authority", Validity::Days(30)).value();
  const auto now =
      std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  const Validity validity{.from = now, .until = now + std::chrono::hours(5)};

  const auto client =
      InspectCertificate(IssueClient(authority, "north-1", validity).value().certificate_pem)
          .value();
  const auto server =
      InspectCertificate(IssueServer(authority, {"c.example", "127.0.0.1", "::1"}, validity)
                             .value()
                             .certificate_pem)
          .value();

  EXPECT_EQ(client.client_id, "north-1");
  EXPECT_EQ(client.issuer, "test authority");
  EXPECT_EQ(client.not_before, now);
  EXPECT_EQ(client.not_after, now + std::chrono::hours(5));
  EXPECT_THAT(server.hosts, ElementsAre("c.example", "127.0.0.1", "::1"));
  EXPECT_EQ(server.client_id, "");
  EXPECT_NE(client.sha256, server.sha256);
}

TEST(Certificate, KeysAreReadableByTheirOwnerAlone) {
  testing::TemporaryFolder folder;
  const CertifiedKey pair = MakeAuthority("a", Validity::Days(1)).value();

  ASSERT_TRUE(SaveCertifiedKey(pair, folder / "a.crt", folder / "a.key").has_value());

  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(folder / "a.key").permissions(),
            perms::owner_read | perms::owner_write);
  EXPECT_EQ(LoadCertifiedKey(folder / "a.crt", folder / "a.key").value().key_pem, pair.key_pem);
}

TEST(Certificate, AKeyOfAnotherCertificateIsRefused) {
  testing::TemporaryFolder folder;
  CertifiedKey pair = MakeAuthority("a", Validity::Days(1)).value();
  pair.key_pem = MakeAuthority("b", Validity::Days(1)).value().key_pem;
  ASSERT_TRUE(SaveCertifiedKey(pair, folder / "a.crt", folder / "a.key").has_value());

  const auto loaded = LoadCertifiedKey(folder / "a.crt", folder / "a.key");

  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().code, ErrorCode::kInvalidArgument);
}

TEST(Certificate, ClientIdsThatCouldLeaveTheirFolderOrForgeANameAreRefused) {
  const CertifiedKey authority = MakeAuthority("a", Validity::Days(1)).value();
  for (const char* id : {"", ".hidden", "../up", "a/b", "a,URI:rondo://client/b", "a b", "a\nb"}) {
    const auto issued = IssueClient(authority, id, Validity::Days(1));
    ASSERT_FALSE(issued.has_value()) << id;
    EXPECT_EQ(issued.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(CheckClientId(std::string(65, 'a')).has_value());
  EXPECT_FALSE(IssueServer(authority, {"a,DNS:b"}, Validity::Days(1)).has_value());
  EXPECT_FALSE(IssueServer(authority, {}, Validity::Days(1)).has_value());
}

TEST(Certificate, WhatIsNoCertificateIsCorrupt) {
  EXPECT_EQ(InspectCertificate("hello").error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace rondo
