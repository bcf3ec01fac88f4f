#include "common/crypto/enrolment_token.h"

#include <gtest/gtest.h>

#include "common/core/text_bytes.h"
#include "common/crypto/sha256.h"

namespace rondo {
namespace {

EnrolmentToken MakeToken() {
  EnrolmentToken token{.authority_sha256 = std::string(64, 'a'),
                       .key = SigningKey::Generate(),
                       .port = 7443,
                       .client = "north",
                       .host = "fed.example.org"};
  token.governance.fill(7);
  return token;
}

TEST(EnrolmentToken, SaysWhatItWasMadeOf) {
  const EnrolmentToken made = MakeToken();

  const EnrolmentToken read = ParseEnrolmentToken(made.Text()).value();

  EXPECT_EQ(read.authority_sha256, made.authority_sha256);
  EXPECT_EQ(read.governance, made.governance);
  EXPECT_EQ(read.key.public_key(), made.key.public_key());
  EXPECT_EQ(read.port, 7443);
  EXPECT_EQ(read.client, "north");
  EXPECT_EQ(read.host, "fed.example.org");
  EXPECT_EQ(TokenSha256(read.key.public_key()), Sha256Hex(made.key.public_key()));
}

TEST(EnrolmentToken, AWrongOrMissingCharacterIsFoundBeforeItIsUsed) {
  const std::string text = MakeToken().Text();
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string wrong = text;
    wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(ParseEnrolmentToken(wrong)) << i;
    EXPECT_FALSE(ParseEnrolmentToken(text.substr(0, i))) << i;
  }
  EXPECT_FALSE(ParseEnrolmentToken(text + "A"));
  EXPECT_FALSE(ParseEnrolmentToken(text + text));
}

TEST(EnrolmentToken, OfAnotherVersionIsNamed) {
  Bytes bytes = FromBase64Url(MakeToken().Text()).value();
  bytes[0] = 2;
  Sha256 hash;
  hash.Update(ByteView(bytes).first(bytes.size() - 4));
  const auto digest = hash.Finish();
  std::copy_n(digest.begin(), 4, bytes.end() - 4);

  EXPECT_EQ(ParseEnrolmentToken(ToBase64Url(bytes)).error().message,
            "this token is of another release; install the one of the coordinator");
}

}  // namespace
}  // namespace rondo
