#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "common/core/bytes.h"
#include "common/core/result.h"
#include "common/crypto/secret.h"

/// Secret sharing: any `threshold` shares give the secret back, fewer say nothing about it.
///
/// A secret of 32 bytes is cut, little endian, into five limbs of at most 56 bits. Each is the
/// value at 0 of a random polynomial of degree threshold - 1 modulo 2^61 - 1, and the share of a
/// holder is the five values at its x, 1 or more. Source  Shamir 1979, "How to share a secret".
namespace rondo::secagg {

inline constexpr std::size_t kSecretSize = 32;
inline constexpr std::size_t kLimbs = 5;
inline constexpr std::size_t kShareSize = kLimbs * 8;

/// Five numbers below 2^61 - 1, little endian.
using Share = std::array<std::uint8_t, kShareSize>;

/// One share for each of `xs`, kShareSize bytes each, in their order. Coefficients come from
/// OpenSSL. `secret` has 32 bytes; 1 <= threshold <= xs.size(); xs are distinct, positive and below
/// the prime.
SecretBytes SplitSecret(ByteView secret, std::size_t threshold, std::span<const std::uint64_t> xs);

/// Whether all five numbers are below the prime, as those of an honest holder are.
bool IsShare(ByteView share);

/// Puts secrets together from shares at the same places: the weights of Lagrange's formula are
/// computed once.
class Interpolation {
 public:
  /// `xs` as in SplitSecret; as many as the threshold.
  explicit Interpolation(std::span<const std::uint64_t> xs);

  /// The 32 bytes at 0 of the polynomial through `shares`, one for each x, each IsShare.
  /// Errors  kCorrupt if the limbs are none of a secret: a share is wrong.
  Result<SecretBytes> Secret(std::span<const ByteView> shares) const;

  /// The share that an honest holder at `x`, none of `xs`, has, if all `shares` are right.
  Share At(std::uint64_t x, std::span<const ByteView> shares) const;

 private:
  std::vector<std::uint64_t> WeightsAt(std::uint64_t x) const;

  std::vector<std::uint64_t> xs_;
  std::vector<std::uint64_t> at_zero_;
};

}  // namespace rondo::secagg
