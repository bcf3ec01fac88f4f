#pragma once

#include "common/crypto/raw_key.h"

namespace rondo {

using Ed25519Public = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;

/// A key pair that signs messages. Immutable, shareable between threads.
/// Source  RFC 8032 (Ed25519, without pre-hash or context).
class SigningKey {
 public:
  static SigningKey Generate();

  /// Errors  kInvalidArgument unless `private_key` has 32 bytes.
  static Result<SigningKey> FromPrivate(ByteView private_key);

  const Ed25519Public& public_key() const { return key_.public_key; }

  ByteView private_key() const { return key_.private_key.view(); }

  Signature Sign(ByteView message) const;

 private:
  explicit SigningKey(detail::RawKey key) : key_(std::move(key)) {}

  detail::RawKey key_;
};

/// False for a wrong signature, a wrong size and a key that is no point of the curve.
bool VerifySignature(const Ed25519Public& key, ByteView message, ByteView signature);

}  // namespace rondo
