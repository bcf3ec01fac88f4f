#include "common/crypto/ed25519.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace rondo {
namespace {

struct Vector {
  std::string_view private_key;
  std::string_view public_key;
  std::string_view message;
  std::string_view signature;
};

// RFC 8032, section 7.1: TEST 1, 2, 3 and SHA(abc).
constexpr std::array<Vector, 4> kVectors = {
    Vector{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
           "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
           "",
           "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
           "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    Vector{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
           "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
           "72",
           "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
           "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    Vector{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
           "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
           "af82",
           "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
           "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
    Vector{"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
           "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
           "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
           "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
           "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
           "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"},
};

TEST(Ed25519, MatchesTheVectorsOfTheStandard) {
  for (const Vector& vector : kVectors) {
    const auto key = SigningKey::FromPrivate(HexBytes(vector.private_key));
    ASSERT_TRUE(key);
    EXPECT_EQ(ToHex(key->public_key()), vector.public_key);
    EXPECT_EQ(ToHex(key->private_key()), vector.private_key);
    EXPECT_EQ(ToHex(key->Sign(HexBytes(vector.message))), vector.signature);
    EXPECT_TRUE(VerifySignature(
        HexArray<32>(vector.public_key), HexBytes(vector.message), HexBytes(vector.signature)));
  }
}

TEST(Ed25519, RefusesEveryFlippedByte) {
  const SigningKey key = SigningKey::Generate();
  Bytes message = HexBytes("00112233445566778899");
  Signature signature = key.Sign(message);
  Ed25519Public public_key = key.public_key();
  ASSERT_TRUE(VerifySignature(public_key, message, signature));
  const auto refuses_flips = [&](std::span<std::uint8_t> bytes) {
    for (std::uint8_t& byte : bytes) {
      byte ^= 1U;
      EXPECT_FALSE(VerifySignature(public_key, message, signature));
      byte ^= 1U;
    }
  };
  refuses_flips(message);
  refuses_flips(signature);
  refuses_flips(public_key);
}

TEST(Ed25519, RefusesSignaturesOfAnotherSizeAndKey) {
  const SigningKey key = SigningKey::Generate();
  const Bytes message = HexBytes("0102");
  const Signature signature = key.Sign(message);
  EXPECT_FALSE(VerifySignature(key.public_key(), message, ByteView(signature).first(63)));
  EXPECT_FALSE(VerifySignature(key.public_key(), message, {}));
  EXPECT_FALSE(VerifySignature(SigningKey::Generate().public_key(), message, signature));
  Ed25519Public no_point{};
  no_point[0] = 2;  // No point of the curve has y = 2 (RFC 8032, section 5.1.3).
  EXPECT_FALSE(VerifySignature(no_point, message, signature));
}

TEST(Ed25519, RefusesPrivateKeysOfAnotherSize) {
  EXPECT_FALSE(SigningKey::FromPrivate(Bytes(64)));
}

}  // namespace
}  // namespace rondo
