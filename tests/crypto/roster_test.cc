#include "common/crypto/roster.h"

#include <functional>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/file.h"
#include "common/core/text_bytes.h"
#include "common/crypto/key_file.h"
#include "tests/support/temporary_folder.h"

namespace rondo {
namespace {

using ::testing::HasSubstr;

const std::string kFederation(64, 'f');

Ed25519Public KeyOf(std::uint8_t byte) {
  Ed25519Public key{};
  key.fill(byte);
  return key;
}

Roster Two() {
  return {.federation = kFederation,
          .version = 3,
          .entries = {{.id = "north", .key = KeyOf(0x11)}, {.id = "south", .key = KeyOf(0x22)}}};
}

TEST(Roster, ItsTextIsTheGrammarToTheByte) {
  std::string text = "rondo-roster 1\nfederation " + kFederation + "\nversion 3\nmember north ";
  for (int i = 0; i < 32; ++i) {
    text += "11";
  }
  text += "\nmember south ";
  for (int i = 0; i < 32; ++i) {
    text += "22";
  }
  text += "\n";

  EXPECT_EQ(Two().Text(), text);
  EXPECT_EQ(ParseRoster(text).value(), Two());
  // The text above through sha256sum.
  EXPECT_EQ(Two().sha256(), "58f22574ed73544c2169a9b4ff3a85eff8b3a9ac25d3678807564a057008a3ef");
}

TEST(Roster, MembersAreFoundById) {
  const Roster roster = Two();

  ASSERT_NE(roster.Find("south"), nullptr);
  EXPECT_EQ(roster.Find("south")->key, KeyOf(0x22));
  EXPECT_EQ(roster.Find("west"), nullptr);
  EXPECT_EQ(roster.Find("a"), nullptr);
}

TEST(Roster, OnlyTheCanonicalFormIsRead) {
  const std::string good = Two().Text();
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto cut = ParseRoster(good.substr(0, size));
    // A text that ends after a member is the roster without the others.
    if (cut) {
      EXPECT_EQ(cut->Text(), good.substr(0, size));
      EXPECT_LT(cut->entries.size(), 2U);
    }
  }
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string flipped = good;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    if (const auto read = ParseRoster(flipped)) {
      EXPECT_EQ(read->Text(), flipped);
      EXPECT_NE(*read, Two());
    }
  }
  for (const std::string& bad : std::vector<std::string>{
           "", good + "\n", good + "x", " " + good, "rondo-roster 2" + good.substr(14)}) {
    EXPECT_EQ(ParseRoster(bad).error().code, ErrorCode::kCorrupt) << bad;
  }
  std::string leading_zero = good;
  leading_zero.replace(leading_zero.find("version 3"), 9, "version 03");
  EXPECT_FALSE(ParseRoster(leading_zero));
  std::string upper = good;
  upper.replace(upper.find("ff"), 2, "FF");
  EXPECT_FALSE(ParseRoster(upper));
}

TEST(Roster, RulesAreNamed) {
  struct Case {
    const char* name;
    std::function<void(Roster&)> break_it;
    const char* message;
  };

  const std::vector<Case> cases = {
      {"no federation", [](Roster& r) { r.federation = "x"; }, "SHA-256"},
      {"version 0", [](Roster& r) { r.version = 0; }, "begin at 1"},
      {"order", [](Roster& r) { std::swap(r.entries[0], r.entries[1]); }, "ascending"},
      {"id twice", [](Roster& r) { r.entries[1].id = "north"; }, "ascending"},
      {"key twice", [](Roster& r) { r.entries[1].key = KeyOf(0x11); }, "key of another member"},
      {"no id", [](Roster& r) { r.entries[0].id = "a b"; }, "client id"},
      {"too many", [](Roster& r) { r.entries.resize(kMostMembers + 1); }, "at most 4096"},
  };
  for (const Case& c : cases) {
    Roster roster = Two();
    c.break_it(roster);
    const Status checked = roster.Check();
    ASSERT_FALSE(checked) << c.name;
    EXPECT_EQ(checked.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(checked.error().message, HasSubstr(c.message)) << c.name;
    EXPECT_FALSE(SignRoster(roster, SigningKey::Generate())) << c.name;
  }
}

TEST(Roster, ASignatureHoldsForItsKeyAndItsBytesAlone) {
  const SigningKey governance = SigningKey::Generate();
  const SigningKey other = SigningKey::Generate();
  const SignedRoster made = SignRoster(Two(), governance).value();
  const std::string text = made.Text();

  const SignedRoster read = ParseSignedRoster(text).value();
  EXPECT_EQ(read.roster, Two());
  EXPECT_TRUE(read.Verify(governance.public_key()));
  EXPECT_EQ(read.Verify(other.public_key()).error().code, ErrorCode::kUnauthenticated);
  EXPECT_FALSE(ParseRoster(text)) << "a signature is no member";
  EXPECT_FALSE(ParseSignedRoster(Two().Text())) << "a roster nobody vouches for";

  // Every single changed byte is refused by the parser or by the signature.
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string flipped = text;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    const auto forged = ParseSignedRoster(flipped);
    EXPECT_FALSE(forged && forged->Verify(governance.public_key())) << i;
  }
  // Signed by another key that claims to be the trusted one.
  SignedRoster claimed = SignRoster(Two(), other).value();
  claimed.governance = governance.public_key();
  EXPECT_FALSE(claimed.Verify(governance.public_key()));
}

TEST(Roster, FilesKeepIt) {
  const testing::TemporaryFolder folder;
  const SignedRoster made = SignRoster(Two(), SigningKey::Generate()).value();

  ASSERT_TRUE(SaveRoster(made, folder.path() / "signed"));
  ASSERT_TRUE(SaveRoster(made.roster, folder.path() / "unsigned"));

  EXPECT_EQ(LoadSignedRoster(folder.path() / "signed")->Text(), made.Text());
  EXPECT_EQ(LoadRoster(folder.path() / "unsigned").value(), Two());
  EXPECT_EQ(LoadRoster(folder.path() / "none").error().code, ErrorCode::kNotFound);
  EXPECT_THAT(LoadRoster(folder.path() / "signed").error().message, HasSubstr("signed: "));
}

TEST(KeyFile, KeepsAKeyForItsOwnerAlone) {
  const testing::TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "roster.key";
  const SigningKey key = SigningKey::Generate();
  ASSERT_TRUE(SaveSigningKey(key, path));

  EXPECT_EQ(LoadSigningKey(path)->public_key(), key.public_key());
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0600));
  EXPECT_EQ(SaveSigningKey(SigningKey::Generate(), path).error().code,
            ErrorCode::kFailedPrecondition);
  std::filesystem::permissions(path, std::filesystem::perms(0640));
  EXPECT_THAT(LoadSigningKey(path).error().message, HasSubstr("chmod 600"));
}

TEST(KeyFile, ReadsTheKeyOfRfc8410) {
  const testing::TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "rfc.key";
  // RFC 8410, section 10.3; the public key that belongs to it is in section 10.1.
  ASSERT_TRUE(WriteTextFile(path,
                            "-----BEGIN PRIVATE KEY-----\n"
                            "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                            "-----END PRIVATE KEY-----\n",
                            0600));

  EXPECT_EQ(ToHex(LoadSigningKey(path)->public_key()),
            "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
  ASSERT_TRUE(WriteTextFile(path, "no key", 0600));
  EXPECT_EQ(LoadSigningKey(path).error().code, ErrorCode::kCorrupt);
}

TEST(TextBytes, FollowsTheVectorsOfRfc4648) {
  // Section 10, without padding.
  const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},
                                                                    {"f", "Zg"},
                                                                    {"fo", "Zm8"},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg"},
                                                                    {"fooba", "Zm9vYmE"},
                                                                    {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : vectors) {
    EXPECT_EQ(ToBase64Url(AsBytes(plain)), text);
    EXPECT_EQ(AsText(FromBase64Url(text).value()), plain);
  }
  EXPECT_EQ(ToBase64Url(Bytes{0xFB, 0xFF}), "-_8");
  for (const char* bad : {"Zg==", "Z", "Zh", "Zm9+", "Zm 9"}) {
    EXPECT_FALSE(FromBase64Url(bad)) << bad;
  }
}

TEST(TextBytes, HexadecimalHasOneSpelling) {
  EXPECT_EQ(FromHex("00ff10").value(), (Bytes{0x00, 0xFF, 0x10}));
  for (const char* bad : {"0", "0g", "FF", "0x"}) {
    EXPECT_FALSE(FromHex(bad)) << bad;
  }
}

}  // namespace
}  // namespace rondo
