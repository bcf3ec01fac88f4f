#pragma once

#include "common/crypto/raw_key.h"

namespace rondo {

using X25519Public = std::array<std::uint8_t, 32>;

/// A key pair for Diffie-Hellman on Curve25519. Immutable, shareable between threads.
/// Source  RFC 7748.
class X25519Key {
 public:
  static X25519Key Generate();

  /// Errors  kInvalidArgument unless `private_key` has 32 bytes.
  static Result<X25519Key> FromPrivate(ByteView private_key);

  const X25519Public& public_key() const { return key_.public_key; }

  ByteView private_key() const { return key_.private_key.view(); }

  /// The 32 bytes that both sides share: secret, but not uniform, so derive keys from them by HKDF.
  /// Errors  kInvalidArgument if `peer` is a point of low order, for which the secret would be zero
  ///         whoever asks (RFC 7748, section 6.1).
  Result<SecretBytes> Agree(const X25519Public& peer) const;

 private:
  explicit X25519Key(detail::RawKey key) : key_(std::move(key)) {}

  detail::RawKey key_;
};

}  // namespace rondo
