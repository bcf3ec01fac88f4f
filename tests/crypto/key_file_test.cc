#include "common/crypto/key_file.h"

#include <gtest/gtest.h>

#include "common/core/file.h"
#include "tests/support/temporary_folder.h"

namespace rondo {
namespace {

namespace fs = std::filesystem;

TEST(KeyFile, KeepsASealingKeyForItsOwnerAlone) {
  const testing::TemporaryFolder folder;
  const fs::path path = folder / "aggregation.key";
  const X25519Key key = X25519Key::Generate();
  ASSERT_TRUE(SaveSealingKey(key, path));
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  const auto loaded = LoadSealingKey(path);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->public_key(), key.public_key());
  EXPECT_EQ(SaveSealingKey(key, path).error().code, ErrorCode::kFailedPrecondition);
}

TEST(KeyFile, RefusesFilesThatOthersCanReadAndKeysOfAnotherKind) {
  const testing::TemporaryFolder folder;
  EXPECT_EQ(LoadSealingKey(folder / "none").error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(SaveSealingKey(X25519Key::Generate(), folder / "shared"));
  fs::permissions(folder / "shared", fs::perms::group_read, fs::perm_options::add);
  EXPECT_EQ(LoadSealingKey(folder / "shared").error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(SaveSigningKey(SigningKey::Generate(), folder / "signing"));
  const auto signing = LoadSealingKey(folder / "signing");
  ASSERT_FALSE(signing);
  EXPECT_EQ(signing.error().message, (folder / "signing").string() + " holds no X25519 key in PEM");
  ASSERT_TRUE(WriteTextFile(folder / "text", "no key", 0600));
  EXPECT_EQ(LoadSealingKey(folder / "text").error().code, ErrorCode::kCorrupt);
}

TEST(KeyFile, ReadsPublicKeysAsTheyAreWritten) {
  const X25519Key key = X25519Key::Generate();
  const std::string digits = ToHex(key.public_key());
  EXPECT_EQ(ParseSealingKey(digits).value(), key.public_key());
  EXPECT_FALSE(ParseSealingKey(""));
  EXPECT_FALSE(ParseSealingKey(digits.substr(2)));
  EXPECT_FALSE(ParseSealingKey(std::string(64, 'g')));
}

}  // namespace
}  // namespace rondo
