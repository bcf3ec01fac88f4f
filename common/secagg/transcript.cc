#include "common/secagg/transcript.h"

#include "common/crypto/sha256.h"

namespace rondo::secagg {

Transcript& Transcript::Data(ByteView bytes) {
  U32(static_cast<std::uint32_t>(bytes.size()));
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}

Transcript& Transcript::U32(std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes_.push_back(static_cast<std::uint8_t>(value >> shift));
  }
  return *this;
}

Transcript& Transcript::U64(std::uint64_t value) {
  return U32(static_cast<std::uint32_t>(value >> 32)).U32(static_cast<std::uint32_t>(value));
}

Digest Transcript::Hash() const {
  Sha256 hash;
  hash.Update(bytes_);
  return hash.Finish();
}

}  // namespace rondo::secagg
