#include "common/crypto/sha256.h"

#include <algorithm>

#include <openssl/evp.h>

#include "common/core/check.h"

namespace rondo {

struct Sha256::Impl {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free};
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {
  RONDO_CHECK(impl_->context != nullptr
              && EVP_DigestInit_ex(impl_->context.get(), EVP_sha256(), nullptr) == 1)
      << "SHA-256 is always built into OpenSSL";
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::Update(ByteView bytes) {
  RONDO_CHECK(EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size()) == 1)
      << "hashing memory cannot fail";
}

std::array<std::uint8_t, 32> Sha256::Finish() {
  std::array<std::uint8_t, 32> digest{};
  RONDO_CHECK(EVP_DigestFinal_ex(impl_->context.get(), digest.data(), nullptr) == 1)
      << "Finish is called once";
  return digest;
}

std::string Sha256Hex(ByteView bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return ToHex(hash.Finish());
}

bool IsSha256Hex(std::string_view text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace rondo
