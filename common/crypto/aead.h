#pragma once

#include "common/core/result.h"
#include "common/crypto/secret.h"

/// Authenticated encryption with associated data: what is sealed can be read only with the key, and
/// opens only as it was sealed. Source  NIST SP 800-38D (GCM), RFC 8439 (ChaCha20-Poly1305).
namespace rondo {

enum class AeadKind { kAes128Gcm, kAes256Gcm, kChaCha20Poly1305 };

inline constexpr std::size_t kAeadNonceBytes = 12;
inline constexpr std::size_t kAeadTagBytes = 16;

/// 16 or 32 bytes.
std::size_t AeadKeyBytes(AeadKind kind);

/// The sealed bytes, then a tag of 16 bytes. A nonce of 12 bytes serves one message of a key; `aad`
/// is bound but not contained. At most 1 GiB.
Bytes AeadSeal(AeadKind kind, ByteView key, ByteView nonce, ByteView aad, ByteView plain);

/// Errors  kUnauthenticated if `sealed` was not made from this key, nonce and `aad`, in this form.
Result<SecretBytes> AeadOpen(AeadKind kind,
                             ByteView key,
                             ByteView nonce,
                             ByteView aad,
                             ByteView sealed);

}  // namespace rondo
