#include "common/crypto/ed25519.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "common/core/check.h"

namespace rondo {
namespace {

using DigestPtr = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

}  // namespace

SigningKey SigningKey::Generate() {
  return SigningKey(detail::GenerateRawKey(EVP_PKEY_ED25519));
}

Result<SigningKey> SigningKey::FromPrivate(ByteView private_key) {
  RONDO_TRY(detail::RawKey key, detail::RawKeyFromPrivate(EVP_PKEY_ED25519, private_key));
  return SigningKey(std::move(key));
}

Signature SigningKey::Sign(ByteView message) const {
  const DigestPtr context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  Signature signature{};
  std::size_t size = signature.size();
  RONDO_CHECK(
      context != nullptr
      && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.handle.get()) == 1
      && EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size())
             == 1)
      << "signing memory cannot fail";
  return signature;
}

bool VerifySignature(const Ed25519Public& key, ByteView message, ByteView signature) {
  const std::unique_ptr<EVP_PKEY, detail::FreeKey> public_key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()));
  const DigestPtr context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  RONDO_CHECK(public_key != nullptr && context != nullptr
              && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, public_key.get())
                     == 1)
      << "a key that is no point of the curve is found by the check of a signature";
  const bool valid =
      EVP_DigestVerify(
          context.get(), signature.data(), signature.size(), message.data(), message.size())
      == 1;
  ERR_clear_error();
  return valid;
}

}  // namespace rondo
