#include "common/crypto/secret.h"

#include <utility>

#include <openssl/crypto.h>

#include "common/crypto/random.h"

namespace rondo {

SecretBytes::SecretBytes(std::size_t size) : bytes_(size) {}

SecretBytes SecretBytes::Copy(ByteView bytes) {
  SecretBytes copy;
  copy.bytes_.assign(bytes.begin(), bytes.end());
  return copy;
}

SecretBytes SecretBytes::Random(std::size_t size) {
  SecretBytes random(size);
  SecureRandom(random.bytes());
  return random;
}

SecretBytes::~SecretBytes() {
  Wipe();
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    Wipe();
    bytes_ = std::exchange(other.bytes_, {});
  }
  return *this;
}

void SecretBytes::Wipe() {
  OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

bool EqualInConstantTime(ByteView a, ByteView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace rondo
