#include "common/crypto/hkdf.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace rondo {
namespace {

TEST(Hmac, MatchesTheVectorsOfTheStandard) {
  // RFC 4231, cases 1, 2 and 6, and the empty key of an empty message.
  EXPECT_EQ(ToHex(HmacSha256(Bytes(20, 0x0b), AsBytes("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(ToHex(HmacSha256(AsBytes("Jefe"), AsBytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(ToHex(HmacSha256(Bytes(131, 0xaa),
                             AsBytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(ToHex(HmacSha256({}, {})),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

struct Vector {
  std::string key_material;
  std::string salt;
  std::string info;
  std::string extracted;
  std::string expanded;
};

/// The bytes from `first` to `last`, as hexadecimal digits.
std::string Range(int first, int last) {
  Bytes bytes;
  for (int byte = first; byte <= last; ++byte) {
    bytes.push_back(static_cast<std::uint8_t>(byte));
  }
  return ToHex(bytes);
}

TEST(Hkdf, MatchesTheVectorsOfTheStandard) {
  // RFC 5869, appendix A.1 to A.3.
  const std::array<Vector, 3> vectors = {
      Vector{
          "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
          Range(0x00, 0x0c),
          Range(0xf0, 0xf9),
          "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
      Vector{Range(0x00, 0x4f),
             Range(0x60, 0xaf),
             Range(0xb0, 0xff),
             "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
             "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
             "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
             "cc30c58179ec3e87c14c01d5c1f3434f1d87"},
      Vector{
          "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
          "",
          "",
          "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
          "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"}};
  for (const Vector& vector : vectors) {
    const SecretBytes key = HkdfExtract(HexBytes(vector.salt), HexBytes(vector.key_material));
    EXPECT_EQ(ToHex(key.view()), vector.extracted);
    const SecretBytes expanded =
        HkdfExpand(key.view(), HexBytes(vector.info), vector.expanded.size() / 2);
    EXPECT_EQ(ToHex(expanded.view()), vector.expanded);
  }
}

TEST(Hkdf, ExpandsToItsLimits) {
  const SecretBytes key = HkdfExtract({}, AsBytes("key material"));
  const SecretBytes longest = HkdfExpand(key.view(), Bytes(1024, 1), 8160);
  const SecretBytes shortest = HkdfExpand(key.view(), Bytes(1024, 1), 1);
  EXPECT_EQ(longest.view()[0], shortest.view()[0]);
}

}  // namespace
}  // namespace rondo
