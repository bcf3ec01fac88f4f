#pragma once

#include <array>
#include <memory>

#include "common/core/result.h"
#include "common/crypto/secret.h"

struct evp_pkey_st;

/// The key pairs of Curve25519, which are 32 raw bytes each; shared by x25519.h and ed25519.h only.
namespace rondo::detail {

struct FreeKey {
  void operator()(evp_pkey_st* key) const;
};

struct RawKey {
  std::unique_ptr<evp_pkey_st, FreeKey> handle;
  SecretBytes private_key;
  std::array<std::uint8_t, 32> public_key{};
};

/// `type` is EVP_PKEY_X25519 or EVP_PKEY_ED25519.
RawKey GenerateRawKey(int type);

/// Errors  kInvalidArgument unless `private_key` has 32 bytes.
Result<RawKey> RawKeyFromPrivate(int type, ByteView private_key);

}  // namespace rondo::detail
