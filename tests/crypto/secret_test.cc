#include "common/crypto/secret.h"

#include <utility>

#include <gtest/gtest.h>

namespace rondo {
namespace {

TEST(SecretBytes, LeavesNothingWhereItMovedAwayFrom) {
  SecretBytes first = SecretBytes::Copy(AsBytes("a key that is long enough to live on the heap"));
  const SecretBytes second = std::move(first);
  EXPECT_EQ(first.size(), 0U);  // NOLINT(bugprone-use-after-move): what is promised
  EXPECT_EQ(AsText(second.view()), "a key that is long enough to live on the heap");
}

TEST(SecretBytes, StartsAsZerosAndKeepsWhatIsWritten) {
  SecretBytes secret(2);
  EXPECT_EQ(ToHex(secret.view()), "0000");
  secret.bytes()[1] = 7;
  EXPECT_EQ(ToHex(secret.view()), "0007");
  secret = SecretBytes::Copy(AsBytes("x"));
  EXPECT_EQ(AsText(secret.view()), "x");
}

TEST(SecretBytes, RandomBytesDiffer) {
  const SecretBytes a = SecretBytes::Random(32);
  const SecretBytes b = SecretBytes::Random(32);
  EXPECT_EQ(a.size(), 32U);
  EXPECT_FALSE(EqualInConstantTime(a.view(), b.view()));
}

TEST(SecretBytes, ComparesContentsAndSizes) {
  EXPECT_TRUE(EqualInConstantTime(AsBytes("same"), AsBytes("same")));
  EXPECT_TRUE(EqualInConstantTime({}, {}));
  EXPECT_FALSE(EqualInConstantTime(AsBytes("same"), AsBytes("sane")));
  EXPECT_FALSE(EqualInConstantTime(AsBytes("same"), AsBytes("sam")));
}

}  // namespace
}  // namespace rondo
