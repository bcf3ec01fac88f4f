#include "common/crypto/hkdf.h"

#include <memory>
#include <string>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "common/core/check.h"

namespace rondo {
namespace {

/// OpenSSL takes a null pointer for "no key", which an empty key is not.
const std::uint8_t* NotNull(ByteView bytes) {
  static constexpr std::uint8_t kNothing = 0;
  return bytes.empty() ? &kNothing : bytes.data();
}

OSSL_PARAM Octets(const char* name, ByteView bytes) {
  return OSSL_PARAM_construct_octet_string(
      name, const_cast<std::uint8_t*>(NotNull(bytes)), bytes.size());
}

}  // namespace

std::array<std::uint8_t, 32> HmacSha256(ByteView key, ByteView message) {
  std::array<std::uint8_t, 32> code{};
  std::size_t size = 0;
  RONDO_CHECK(EVP_Q_mac(nullptr,
                        "HMAC",
                        nullptr,
                        "SHA256",
                        nullptr,
                        NotNull(key),
                        key.size(),
                        NotNull(message),
                        message.size(),
                        code.data(),
                        code.size(),
                        &size)
              != nullptr)
      << "HMAC of memory cannot fail";
  return code;
}

SecretBytes HkdfExtract(ByteView salt, ByteView key_material) {
  // RFC 5869, section 2.2: PRK = HMAC-Hash(salt, IKM); HMAC pads an empty salt with the same zeros.
  return SecretBytes::Copy(HmacSha256(salt, key_material));
}

SecretBytes HkdfExpand(ByteView pseudo_random_key, ByteView info, std::size_t length) {
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(
      EVP_KDF_fetch(nullptr, "HKDF", nullptr), &EVP_KDF_free);
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(
      EVP_KDF_CTX_new(kdf.get()), &EVP_KDF_CTX_free);
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  std::string digest = "SHA256";
  const std::array<OSSL_PARAM, 5> parameters = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), digest.size()),
      Octets(OSSL_KDF_PARAM_KEY, pseudo_random_key),
      Octets(OSSL_KDF_PARAM_INFO, info),
      OSSL_PARAM_construct_end()};
  SecretBytes key(length);
  RONDO_CHECK(context != nullptr
              && EVP_KDF_derive(context.get(), key.bytes().data(), length, parameters.data()) == 1)
      << "at most 8160 bytes, bound to at most 1024";
  return key;
}

}  // namespace rondo
