#include "common/crypto/aead.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace rondo {
namespace {

struct Vector {
  AeadKind kind;
  std::string_view key;
  std::string_view nonce;
  std::string_view aad;
  std::string_view plain;
  std::string_view sealed;
};

constexpr std::string_view kGcmPlain =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
constexpr std::string_view kGcmAad = "feedfacedeadbeeffeedfacedeadbeefabaddad2";

// McGrew and Viega, "The Galois/Counter Mode of Operation", the submission to NIST, appendix B:
// test cases 1, 2, 4, 13, 14, 16. RFC 8439, section 2.8.2.
constexpr std::array<Vector, 7> kVectors = {
    Vector{AeadKind::kAes128Gcm,
           "00000000000000000000000000000000",
           "000000000000000000000000",
           "",
           "",
           "58e2fccefa7e3061367f1d57a4e7455a"},
    Vector{AeadKind::kAes128Gcm,
           "00000000000000000000000000000000",
           "000000000000000000000000",
           "",
           "00000000000000000000000000000000",
           "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"},
    Vector{
        AeadKind::kAes128Gcm,
        "feffe9928665731c6d6a8f9467308308",
        "cafebabefacedbaddecaf888",
        kGcmAad,
        kGcmPlain,
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
        "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47"},
    Vector{AeadKind::kAes256Gcm,
           "0000000000000000000000000000000000000000000000000000000000000000",
           "000000000000000000000000",
           "",
           "",
           "530f8afbc74536b9a963b4f1c4cb738b"},
    Vector{AeadKind::kAes256Gcm,
           "0000000000000000000000000000000000000000000000000000000000000000",
           "000000000000000000000000",
           "",
           "00000000000000000000000000000000",
           "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    Vector{
        AeadKind::kAes256Gcm,
        "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        "cafebabefacedbaddecaf888",
        kGcmAad,
        kGcmPlain,
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
    Vector{AeadKind::kChaCha20Poly1305,
           "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
           "070000004041424344454647",
           "50515253c0c1c2c3c4c5c6c7",
           "4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
           "73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
           "6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
           "637265656e20776f756c642062652069742e",
           "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
           "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
           "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
           "3ff4def08e4b7a9de576d26586cec64b6116"
           "1ae10b594f09e26a7e902ecbd0600691"},
};

TEST(Aead, MatchesTheKnownAnswers) {
  for (const Vector& vector : kVectors) {
    const Bytes key = HexBytes(vector.key);
    const Bytes nonce = HexBytes(vector.nonce);
    const Bytes aad = HexBytes(vector.aad);
    ASSERT_EQ(key.size(), AeadKeyBytes(vector.kind));
    EXPECT_EQ(ToHex(AeadSeal(vector.kind, key, nonce, aad, HexBytes(vector.plain))), vector.sealed);
    const auto opened = AeadOpen(vector.kind, key, nonce, aad, HexBytes(vector.sealed));
    ASSERT_TRUE(opened);
    EXPECT_EQ(ToHex(opened->view()), vector.plain);
  }
}

TEST(Aead, RefusesEveryFlippedByteOfWhatItNeeds) {
  for (const Vector& vector : kVectors) {
    Bytes key = HexBytes(vector.key);
    Bytes nonce = HexBytes(vector.nonce);
    Bytes aad = HexBytes(vector.aad);
    Bytes sealed = HexBytes(vector.sealed);
    for (Bytes* const bytes : {&key, &nonce, &aad, &sealed}) {
      for (std::uint8_t& byte : *bytes) {
        byte ^= 0x80U;
        const auto opened = AeadOpen(vector.kind, key, nonce, aad, sealed);
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, ErrorCode::kUnauthenticated);
        byte ^= 0x80U;
      }
    }
    EXPECT_TRUE(AeadOpen(vector.kind, key, nonce, aad, sealed));
  }
}

TEST(Aead, RefusesShortenedMessages) {
  const Vector& vector = kVectors.back();
  const Bytes sealed = HexBytes(vector.sealed);
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(AeadOpen(vector.kind,
                          HexBytes(vector.key),
                          HexBytes(vector.nonce),
                          HexBytes(vector.aad),
                          ByteView(sealed).first(size)));
  }
}

}  // namespace
}  // namespace rondo
