#include "common/crypto/aead.h"

#include <memory>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "common/core/check.h"

namespace rondo {
namespace {

using CipherPtr = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

/// OpenSSL counts bytes in an int.
constexpr std::size_t kMaxBytes = std::size_t{1} << 30U;

const EVP_CIPHER* CipherOf(AeadKind kind) {
  switch (kind) {
    case AeadKind::kAes128Gcm:
      return EVP_aes_128_gcm();
    case AeadKind::kAes256Gcm:
      return EVP_aes_256_gcm();
    case AeadKind::kChaCha20Poly1305:
      return EVP_chacha20_poly1305();
  }
  return nullptr;
}

enum class Direction : int { kOpen = 0, kSeal = 1 };

/// A cipher that has taken its key, nonce and associated data.
CipherPtr Begin(Direction direction, AeadKind kind, ByteView key, ByteView nonce, ByteView aad) {
  RONDO_CHECK(key.size() == AeadKeyBytes(kind) && nonce.size() == kAeadNonceBytes
              && aad.size() <= kMaxBytes)
      << "callers derive keys and nonces in the size of the cipher";
  CipherPtr cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int written = 0;
  RONDO_CHECK(cipher != nullptr
              && EVP_CipherInit_ex(cipher.get(),
                                   CipherOf(kind),
                                   nullptr,
                                   key.data(),
                                   nonce.data(),
                                   static_cast<int>(direction))
                     == 1
              && (aad.empty()
                  || EVP_CipherUpdate(
                         cipher.get(), nullptr, &written, aad.data(), static_cast<int>(aad.size()))
                         == 1))
      << "the ciphers are always built into OpenSSL";
  return cipher;
}

/// Passes `in` through to `out`, which is as long. None of the three ciphers keeps bytes back.
void Pass(EVP_CIPHER_CTX* cipher, ByteView in, std::uint8_t* out) {
  int written = 0;
  RONDO_CHECK(in.empty()
              || EVP_CipherUpdate(cipher, out, &written, in.data(), static_cast<int>(in.size()))
                     == 1)
      << "a started cipher takes any bytes";
}

}  // namespace

std::size_t AeadKeyBytes(AeadKind kind) {
  return kind == AeadKind::kAes128Gcm ? 16 : 32;
}

Bytes AeadSeal(AeadKind kind, ByteView key, ByteView nonce, ByteView aad, ByteView plain) {
  RONDO_CHECK(plain.size() <= kMaxBytes) << "longer messages are sealed in chunks";
  const CipherPtr cipher = Begin(Direction::kSeal, kind, key, nonce, aad);
  Bytes sealed(plain.size() + kAeadTagBytes);
  std::uint8_t* const tag = sealed.data() + plain.size();
  Pass(cipher.get(), plain, sealed.data());
  int written = 0;
  RONDO_CHECK(EVP_CipherFinal_ex(cipher.get(), tag, &written) == 1
              && EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, int{kAeadTagBytes}, tag)
                     == 1)
      << "sealing memory cannot fail";
  return sealed;
}

Result<SecretBytes> AeadOpen(AeadKind kind,
                             ByteView key,
                             ByteView nonce,
                             ByteView aad,
                             ByteView sealed) {
  if (sealed.size() < kAeadTagBytes || sealed.size() > kMaxBytes) {
    return Fail(ErrorCode::kUnauthenticated,
                std::to_string(sealed.size()) + " bytes are no sealed message");
  }
  const ByteView body = sealed.first(sealed.size() - kAeadTagBytes);
  Bytes tag(sealed.end() - kAeadTagBytes, sealed.end());
  const CipherPtr cipher = Begin(Direction::kOpen, kind, key, nonce, aad);
  SecretBytes plain(body.size());
  Pass(cipher.get(), body, plain.bytes().data());
  std::uint8_t rest = 0;
  int written = 0;
  const bool opened =
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, int{kAeadTagBytes}, tag.data()) == 1
      && EVP_CipherFinal_ex(cipher.get(), &rest, &written) == 1;
  if (!opened) {
    ERR_clear_error();
    return Fail(ErrorCode::kUnauthenticated,
                "the sealed message was changed, or was sealed for another key or purpose");
  }
  return plain;
}

}  // namespace rondo
