#pragma once

#include "common/crypto/aead.h"
#include "common/crypto/x25519.h"

/// Hybrid public key encryption: anybody can seal to the public key of a recipient, who alone can
/// open. Mode base of the suite DHKEM(X25519, HKDF-SHA256) with HKDF-SHA256 and any AeadKind; it
/// does not say who sealed. Source  RFC 9180.
namespace rondo {
namespace detail {

/// What both sides derive: the key of all messages, and the nonce of each.
struct HpkeKeys {
  AeadKind kind = AeadKind::kAes256Gcm;
  SecretBytes key;
  SecretBytes base_nonce;
  std::uint64_t sequence = 0;  ///< messages so far; a context ends long before it could repeat

  Bytes Nonce() const;
};

}  // namespace detail

/// Seals messages in order. Not thread-safe.
class HpkeSender {
 public:
  /// `info` is bound to all messages, at most 1 MiB.
  /// Errors  kInvalidArgument if `recipient` is a point of low order.
  static Result<HpkeSender> Create(AeadKind kind, const X25519Public& recipient, ByteView info);

  /// The same with a given ephemeral key, which may serve once: for published vectors.
  static Result<HpkeSender> CreateWith(const X25519Key& ephemeral,
                                       AeadKind kind,
                                       const X25519Public& recipient,
                                       ByteView info);

  /// What the recipient needs beside the messages.
  const X25519Public& encapsulated_key() const { return encapsulated_key_; }

  /// The next message with its tag; `aad` is bound but not contained.
  Bytes Seal(ByteView aad, ByteView plain);

 private:
  HpkeSender(const X25519Public& encapsulated_key, detail::HpkeKeys keys)
      : encapsulated_key_(encapsulated_key),
        keys_(std::move(keys)) {}

  X25519Public encapsulated_key_;
  detail::HpkeKeys keys_;
};

/// Opens the messages of one sender in the order in which they were sealed. Not thread-safe.
class HpkeReceiver {
 public:
  /// Errors  kInvalidArgument if `encapsulated_key` is a point of low order.
  static Result<HpkeReceiver> Create(AeadKind kind,
                                     const X25519Key& recipient,
                                     const X25519Public& encapsulated_key,
                                     ByteView info);

  /// Errors  kUnauthenticated for anything but the next message, sealed with this `aad`; the same
  ///         message is then still the next one.
  Result<SecretBytes> Open(ByteView aad, ByteView sealed);

 private:
  explicit HpkeReceiver(detail::HpkeKeys keys) : keys_(std::move(keys)) {}

  detail::HpkeKeys keys_;
};

}  // namespace rondo
