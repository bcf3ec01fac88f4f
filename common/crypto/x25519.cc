#include "common/crypto/x25519.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "common/core/check.h"

namespace rondo {

X25519Key X25519Key::Generate() {
  return X25519Key(detail::GenerateRawKey(EVP_PKEY_X25519));
}

Result<X25519Key> X25519Key::FromPrivate(ByteView private_key) {
  RONDO_TRY(detail::RawKey key, detail::RawKeyFromPrivate(EVP_PKEY_X25519, private_key));
  return X25519Key(std::move(key));
}

Result<SecretBytes> X25519Key::Agree(const X25519Public& peer) const {
  const std::unique_ptr<EVP_PKEY, detail::FreeKey> peer_key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, peer.data(), peer.size()));
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new(key_.handle.get(), nullptr), &EVP_PKEY_CTX_free);
  RONDO_CHECK(peer_key != nullptr && context != nullptr && EVP_PKEY_derive_init(context.get()) == 1
              && EVP_PKEY_derive_set_peer(context.get(), peer_key.get()) == 1)
      << "any 32 bytes are a public key";
  SecretBytes shared(32);
  std::size_t size = shared.size();
  // OpenSSL refuses the all-zero output itself; a library that does not must change nothing here.
  const bool derived = EVP_PKEY_derive(context.get(), shared.bytes().data(), &size) == 1;
  if (!derived || EqualInConstantTime(shared.view(), SecretBytes(32).view())) {
    ERR_clear_error();
    return Fail(ErrorCode::kInvalidArgument,
                "the public key of the other side is a point of low order, which shares no secret");
  }
  return shared;
}

}  // namespace rondo
