#include "common/secagg/shamir.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <openssl/crypto.h>

#include "common/core/check.h"
#include "common/crypto/random.h"
#include "common/secagg/field.h"

namespace rondo::secagg {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers are copied as they lie in memory");

constexpr std::size_t kLimbBytes = 7;

std::uint64_t Load(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// Bytes of the secret in a limb: four times seven, and the last four.
std::size_t BytesOfLimb(std::size_t limb) {
  return std::min(kLimbBytes, kSecretSize - limb * kLimbBytes);
}

/// Uniform below the prime: 61 random bits, drawn again in the one case of 2^61 that is not below.
void DrawCoefficients(std::span<std::uint64_t> out) {
  SecureRandom({reinterpret_cast<std::uint8_t*>(out.data()), out.size_bytes()});
  for (std::uint64_t& value : out) {
    value &= field::kPrime;
    while (value >= field::kPrime) {
      value = SecureRandomU64() & field::kPrime;
    }
  }
}

}  // namespace

SecretBytes SplitSecret(ByteView secret, std::size_t threshold, std::span<const std::uint64_t> xs) {
  RONDO_CHECK(secret.size() == kSecretSize && threshold >= 1 && threshold <= xs.size())
      << "the caller chose the threshold";
  SecretBytes shares(xs.size() * kShareSize);
  std::vector<std::uint64_t> coefficients(threshold);
  for (std::size_t limb = 0; limb < kLimbs; ++limb) {
    coefficients[0] = 0;
    std::memcpy(coefficients.data(), secret.data() + limb * kLimbBytes, BytesOfLimb(limb));
    DrawCoefficients(std::span(coefficients).subspan(1));
    for (std::size_t holder = 0; holder < xs.size(); ++holder) {
      std::uint64_t value = 0;
      for (std::size_t i = threshold; i-- > 0;) {
        value = field::Add(field::Multiply(value, xs[holder]), coefficients[i]);
      }
      std::memcpy(shares.bytes().data() + holder * kShareSize + limb * 8, &value, sizeof value);
    }
  }
  OPENSSL_cleanse(coefficients.data(), coefficients.size() * sizeof(std::uint64_t));
  return shares;
}

bool IsShare(ByteView share) {
  if (share.size() != kShareSize) {
    return false;
  }
  for (std::size_t limb = 0; limb < kLimbs; ++limb) {
    if (Load(share.data() + limb * 8) >= field::kPrime) {
      return false;
    }
  }
  return true;
}

Interpolation::Interpolation(std::span<const std::uint64_t> xs)
    : xs_(xs.begin(), xs.end()),
      at_zero_(WeightsAt(0)) {}

std::vector<std::uint64_t> Interpolation::WeightsAt(std::uint64_t x) const {
  std::vector<std::uint64_t> weights;
  weights.reserve(xs_.size());
  for (std::size_t i = 0; i < xs_.size(); ++i) {
    std::uint64_t above = 1;
    std::uint64_t below = 1;
    for (std::size_t j = 0; j < xs_.size(); ++j) {
      if (j != i) {
        above = field::Multiply(above, field::Subtract(x, xs_[j]));
        below = field::Multiply(below, field::Subtract(xs_[i], xs_[j]));
      }
    }
    weights.push_back(field::Multiply(above, field::Inverse(below)));
  }
  return weights;
}

Result<SecretBytes> Interpolation::Secret(std::span<const ByteView> shares) const {
  RONDO_CHECK(shares.size() == xs_.size()) << "one share for each place";
  SecretBytes secret(kSecretSize);
  for (std::size_t limb = 0; limb < kLimbs; ++limb) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < xs_.size(); ++i) {
      value = field::Add(value, field::Multiply(at_zero_[i], Load(shares[i].data() + limb * 8)));
    }
    const std::size_t bytes = BytesOfLimb(limb);
    if (value >> (8 * bytes) != 0) {
      return Fail(ErrorCode::kCorrupt, "the shares are of no secret: one of them is wrong");
    }
    std::memcpy(secret.bytes().data() + limb * kLimbBytes, &value, bytes);
  }
  return secret;
}

Share Interpolation::At(std::uint64_t x, std::span<const ByteView> shares) const {
  RONDO_CHECK(shares.size() == xs_.size()) << "one share for each place";
  const std::vector<std::uint64_t> weights = WeightsAt(x);
  Share share{};
  for (std::size_t limb = 0; limb < kLimbs; ++limb) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < xs_.size(); ++i) {
      value = field::Add(value, field::Multiply(weights[i], Load(shares[i].data() + limb * 8)));
    }
    std::memcpy(share.data() + limb * 8, &value, sizeof value);
  }
  return share;
}

}  // namespace rondo::secagg
