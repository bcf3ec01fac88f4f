#include "common/crypto/x25519.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"
#include "tests/support/low_order_points.h"

namespace rondo {
namespace {

constexpr std::string_view kNinePoint =
    "0900000000000000000000000000000000000000000000000000000000000000";

std::string AgreeHex(std::string_view private_key, std::string_view peer) {
  const auto key = X25519Key::FromPrivate(HexBytes(private_key));
  const auto shared = key.value().Agree(HexArray<32>(peer));
  return shared ? ToHex(shared->view()) : shared.error().message;
}

TEST(X25519, MatchesTheScalarProductsOfTheStandard) {
  // RFC 7748, section 5.2. The second u-coordinate has its high bit set, which is to be ignored.
  EXPECT_EQ(AgreeHex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                     "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  EXPECT_EQ(AgreeHex("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                     "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493"),
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
}

TEST(X25519, MatchesTheIteratedProductOfTheStandard) {
  // RFC 7748, section 5.2: k, u = X25519(k, u), k; after one and after a thousand steps.
  std::string k(kNinePoint);
  std::string u(kNinePoint);
  for (int step = 1; step <= 1000; ++step) {
    const std::string next = AgreeHex(k, u);
    u = k;
    k = next;
    if (step == 1) {
      EXPECT_EQ(k, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
    }
  }
  EXPECT_EQ(k, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

TEST(X25519, BothSidesOfTheExampleAgree) {
  // RFC 7748, section 6.1.
  const std::string alice = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
  const std::string bob = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
  const std::string alice_public =
      "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
  const std::string bob_public = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
  const std::string shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  EXPECT_EQ(ToHex(X25519Key::FromPrivate(HexBytes(alice)).value().public_key()), alice_public);
  EXPECT_EQ(ToHex(X25519Key::FromPrivate(HexBytes(bob)).value().public_key()), bob_public);
  EXPECT_EQ(AgreeHex(alice, bob_public), shared);
  EXPECT_EQ(AgreeHex(bob, alice_public), shared);
}

TEST(X25519, RefusesEveryPointOfLowOrder) {
  const X25519Key key = X25519Key::Generate();
  for (const std::string_view point : testing::kLowOrderPoints) {
    const auto shared = key.Agree(HexArray<32>(point));
    ASSERT_FALSE(shared) << point;
    EXPECT_EQ(shared.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(X25519, FreshKeysAgreeAndDiffer) {
  const X25519Key a = X25519Key::Generate();
  const X25519Key b = X25519Key::Generate();
  EXPECT_NE(a.public_key(), b.public_key());
  const auto forth = a.Agree(b.public_key());
  const auto back = b.Agree(a.public_key());
  EXPECT_TRUE(EqualInConstantTime(forth.value().view(), back.value().view()));
  const auto copy = X25519Key::FromPrivate(a.private_key());
  EXPECT_EQ(copy.value().public_key(), a.public_key());
}

TEST(X25519, RefusesPrivateKeysOfAnotherSize) {
  const auto key = X25519Key::FromPrivate(Bytes(31));
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().message, "a private key of Curve25519 has 32 bytes, not 31");
}

}  // namespace
}  // namespace rondo
