#include "common/crypto/raw_key.h"

#include <openssl/evp.h>

#include "common/core/check.h"

namespace rondo::detail {
namespace {

constexpr std::size_t kKeyBytes = 32;

}  // namespace

void FreeKey::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}

RawKey GenerateRawKey(int type) {
  // Every string of 32 bytes is a private key of both curves (RFC 7748, section 5; RFC
  // 8032, 5.1.5).
  return RawKeyFromPrivate(type, SecretBytes::Random(kKeyBytes).view()).value();
}

Result<RawKey> RawKeyFromPrivate(int type, ByteView private_key) {
  if (private_key.size() != kKeyBytes) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "a private key of Curve25519 has 32 bytes, not " + std::to_string(private_key.size()));
  }
  RawKey key;
  key.handle.reset(
      EVP_PKEY_new_raw_private_key(type, nullptr, private_key.data(), private_key.size()));
  std::size_t size = key.public_key.size();
  RONDO_CHECK(key.handle != nullptr
              && EVP_PKEY_get_raw_public_key(key.handle.get(), key.public_key.data(), &size) == 1)
      << "any 32 bytes are a private key";
  key.private_key = SecretBytes::Copy(private_key);
  return key;
}

}  // namespace rondo::detail
