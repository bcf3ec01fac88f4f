#include "common/crypto/random.h"

#include <array>
#include <cstring>

#include <openssl/rand.h>

#include "common/core/check.h"

namespace rondo {

void SecureRandom(std::span<std::uint8_t> bytes) {
  // Without randomness nothing below is safe, so there is no error to hand on.
  RONDO_CHECK(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1)
      << "the operating system gives no randomness";
}

std::uint64_t SecureRandomU64() {
  std::array<std::uint8_t, 8> bytes{};
  SecureRandom(bytes);
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

}  // namespace rondo
