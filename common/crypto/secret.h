#pragma once

#include <span>

#include "common/core/bytes.h"

namespace rondo {

/// Bytes that nobody else may see: keys, shared secrets, shares. Move-only, so that there is one
/// copy, which is wiped when it ends or moves away; never logged.
class SecretBytes {
 public:
  /// `size` zero bytes.
  explicit SecretBytes(std::size_t size = 0);
  static SecretBytes Copy(ByteView bytes);
  /// From OpenSSL's generator.
  static SecretBytes Random(std::size_t size);

  ~SecretBytes();
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;

  std::span<std::uint8_t> bytes() { return bytes_; }

  ByteView view() const { return bytes_; }

  std::size_t size() const { return bytes_.size(); }

 private:
  void Wipe();

  Bytes bytes_;
};

/// Takes as long for equal bytes as for different ones of the same size; sizes are no secret.
bool EqualInConstantTime(ByteView a, ByteView b);

}  // namespace rondo
