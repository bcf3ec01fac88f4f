#pragma once

#include <array>
#include <memory>
#include <string>

#include "common/core/bytes.h"

namespace rondo {

/// SHA-256 over pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Update(ByteView bytes);

  void Update(std::string_view text) { Update(AsBytes(text)); }

  /// Ends the computation; the object must not be used again.
  std::array<std::uint8_t, 32> Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The digest of `bytes` in 64 lower-case hexadecimal digits.
std::string Sha256Hex(ByteView bytes);

/// True for 64 lower-case hexadecimal digits.
bool IsSha256Hex(std::string_view text);

}  // namespace rondo
