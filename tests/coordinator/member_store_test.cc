#include "coordinator/member_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace rondo::coordinator {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;

const WallTime kNow{std::chrono::seconds(1'800'000'000)};

Ed25519Public KeyOf(std::uint8_t byte) {
  Ed25519Public key{};
  key.fill(byte);
  return key;
}

/// A certificate with this key.
MemberStore::Issue Give(const std::string& key_sha256) {
  return [key_sha256](const ClientId& id) -> Result<IssuedCertificate> {
    return IssuedCertificate{
        .pem = "for " + id, .key_sha256 = key_sha256, .expires = kNow + hours(720)};
  };
}

class MemberStoreTest : public ::testing::Test {
 protected:
  MemberStore Open() const { return MemberStore::Open(folder_.path()).value(); }

  Result<IssuedCertificate> Enrol(const std::string& token,
                                  const std::string& key,
                                  std::uint8_t roster_key,
                                  WallTime now = kNow) {
    return store_.Enrol(token, key, KeyOf(roster_key), now, Give(key));
  }

  testing::TemporaryFolder folder_;
  MemberStore store_ = Open();
};

TEST_F(MemberStoreTest, AnInvitationServesOnceAndForItsClient) {
  ASSERT_TRUE(store_.Invite("north", "t1", kNow + hours(1), kNow));

  EXPECT_EQ(Enrol("t1", "k1", 1)->pem, "for north");

  EXPECT_TRUE(store_.Check("north", "k1", kNow));
  EXPECT_FALSE(store_.Check("south", "k1", kNow));
  EXPECT_FALSE(store_.Check("north", "k2", kNow));
  EXPECT_THAT(Enrol("t1", "k2", 2).error().message, HasSubstr("used already"));
  EXPECT_THAT(Enrol("t2", "k2", 2).error().message, HasSubstr("unknown"));
  EXPECT_EQ(store_.Members()->size(), 1U);
}

TEST_F(MemberStoreTest, WhoseAnswerWasLostMayAskAgainWithTheSameKeys) {
  ASSERT_TRUE(store_.Invite("north", "t1", kNow + hours(1), kNow));
  ASSERT_TRUE(Enrol("t1", "k1", 1));

  EXPECT_EQ(Enrol("t1", "k1", 1)->pem, "for north");
  EXPECT_FALSE(Enrol("t1", "k1", 2)) << "another roster key";
  EXPECT_THAT(Enrol("t1", "k1", 1, kNow + hours(2)).error().message, HasSubstr("expired"));
  ASSERT_TRUE(store_.Revoke("north", kNow));
  EXPECT_FALSE(Enrol("t1", "k1", 1));
}

TEST_F(MemberStoreTest, AnExpiredOrReplacedInvitationServesNobody) {
  ASSERT_TRUE(store_.Invite("north", "t1", kNow + hours(1), kNow));
  EXPECT_THAT(Enrol("t1", "k1", 1, kNow + hours(1)).error().message, HasSubstr("expired"));

  ASSERT_TRUE(store_.Invite("north", "t2", kNow + hours(1), kNow));
  EXPECT_FALSE(Enrol("t1", "k1", 1)) << "a newer invitation took its place";
  EXPECT_TRUE(Enrol("t2", "k1", 1));
  EXPECT_EQ(store_.Invite("north", "t3", kNow + hours(1), kNow).error().code,
            ErrorCode::kFailedPrecondition);
}

TEST_F(MemberStoreTest, AFailureLeavesTheInvitationOpen) {
  ASSERT_TRUE(store_.Invite("north", "t1", kNow + hours(1), kNow));
  ASSERT_TRUE(store_.Invite("south", "t2", kNow + hours(1), kNow));
  const MemberStore::Issue fail = [](const ClientId&) -> Result<IssuedCertificate> {
    return Fail(ErrorCode::kInternal, "no certificate today");
  };
  EXPECT_FALSE(store_.Enrol("t1", "k1", KeyOf(1), kNow, fail));
  ASSERT_TRUE(Enrol("t1", "k1", 1));

  // The roster key of another member, then the TLS key of one: nothing is consumed.
  EXPECT_EQ(Enrol("t2", "k2", 1).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(Enrol("t2", "k1", 2).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(store_.Members()->size(), 1U);
  EXPECT_TRUE(Enrol("t2", "k2", 2));
}

TEST_F(MemberStoreTest, ARevocationByAnotherProcessIsSeenAtTheNextLook) {
  ASSERT_TRUE(store_.Invite("north", "t1", kNow + hours(1), kNow));
  ASSERT_TRUE(Enrol("t1", "k1", 1));
  MemberStore other = Open();
  ASSERT_TRUE(other.Check("north", "k1", kNow));

  ASSERT_TRUE(store_.Revoke("north", kNow));

  EXPECT_THAT(other.Check("north", "k1", kNow).error().message, HasSubstr("revoked"));
  EXPECT_THAT(store_.Check("north", "k1", kNow).error().message, HasSubstr("revoked"));
  EXPECT_TRUE(store_.Members()->front().revoked);
  EXPECT_EQ(store_.Revoke("north", kNow).error().code, ErrorCode::kNotFound);
}

TEST_F(MemberStoreTest, WhoWasRevokedComesBackWithNewKeysOnly) {
  ASSERT_TRUE(store_.Invite("north", "t1", kNow + hours(1), kNow));
  ASSERT_TRUE(Enrol("t1", "k1", 1));
  ASSERT_TRUE(store_.Revoke("north", kNow));
  ASSERT_TRUE(store_.Invite("north", "t2", kNow + hours(1), kNow));

  EXPECT_FALSE(Enrol("t2", "k1", 1)) << "the revoked key";
  EXPECT_TRUE(Enrol("t2", "k2", 2));
  EXPECT_FALSE(store_.Check("north", "k1", kNow));
  EXPECT_TRUE(store_.Check("north", "k2", kNow));
}

TEST_F(MemberStoreTest, RevokingEndsAnOpenInvitation) {
  ASSERT_TRUE(store_.Invite("north", "t1", kNow + hours(1), kNow));
  ASSERT_TRUE(store_.Revoke("north", kNow));

  EXPECT_FALSE(Enrol("t1", "k1", 1));
}

TEST_F(MemberStoreTest, ARenewalMovesTheEndOfItsOwnKey) {
  ASSERT_TRUE(store_.Invite("north", "t1", kNow + hours(1), kNow));
  ASSERT_TRUE(Enrol("t1", "k1", 1));
  EXPECT_THAT(store_.Check("north", "k1", kNow + hours(720)).error().message, HasSubstr("expired"));
  const MemberStore::Issue later = [](const ClientId&) -> Result<IssuedCertificate> {
    return IssuedCertificate{.pem = "later", .key_sha256 = "k1", .expires = kNow + hours(1000)};
  };

  EXPECT_FALSE(store_.Renew("north", "k1", KeyOf(2), kNow, later)) << "another roster key";
  EXPECT_FALSE(store_.Renew("north", "k2", KeyOf(1), kNow, later)) << "another TLS key";
  EXPECT_FALSE(store_.Renew("south", "k1", KeyOf(1), kNow, later));
  EXPECT_EQ(store_.Renew("north", "k1", KeyOf(1), kNow, later)->pem, "later");

  EXPECT_TRUE(store_.Check("north", "k1", kNow + hours(720)));
  ASSERT_TRUE(store_.Revoke("north", kNow));
  EXPECT_FALSE(store_.Renew("north", "k1", KeyOf(1), kNow, later));
}

TEST_F(MemberStoreTest, ItsFileIsForItsOwnerAlone) {
  EXPECT_EQ(std::filesystem::status(folder_.path() / "members.db").permissions(),
            std::filesystem::perms(0600));
}

}  // namespace
}  // namespace rondo::coordinator
