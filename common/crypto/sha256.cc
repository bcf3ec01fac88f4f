#include "common/crypto/sha256.h"

#include <array>

#include <openssl/evp.h>

#include "common/core/check.h"

namespace rondo {

std::string Sha256Hex(ByteView bytes) {
  std::array<std::uint8_t, 32> digest{};
  unsigned size = 0;
  const int done =
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  RONDO_CHECK(done == 1 && size == digest.size()) << "OpenSSL always offers SHA-256";
  return ToHex(digest);
}

}  // namespace rondo
