#include "common/privacy/discrete_gaussian.h"

#include <utility>

#include "common/core/check.h"

namespace rondo {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t kMostSigma = std::uint64_t{1} << 60;
constexpr std::uint64_t kOneWord = std::uint64_t{1} << 32;

}  // namespace

DiscreteGaussian::DiscreteGaussian(std::uint64_t sigma, RandomWords words)
    : sigma_(sigma),
      source_(std::move(words)) {
  RONDO_CHECK(sigma >= 1 && sigma <= kMostSigma) << "the caller chose a grid that fits the noise";
  rejected_ = sigma < kOneWord ? kOneWord % sigma : (0 - sigma) % sigma;
}

/// With k and x in [0, 1), the number is +-(k + x) sigma, of probability exp(-k^2 / 2) times
/// exp(-x (2k + x) / 2): k is drawn first, then a place within the step from k sigma to
/// (k + 1) sigma, which is kept or everything begins anew.
std::int64_t DiscreteGaussian::Draw() {
  while (true) {
    std::uint64_t k = 0;
    while (ExpMinusHalf()) {
      ++k;
    }
    // k has probability exp(-k / 2) so far; it needs the square.
    bool kept = true;
    for (std::uint64_t i = 0; i < k * (k - 1) && kept; ++i) {
      kept = ExpMinusHalf();
    }
    if (!kept) {
      continue;
    }
    const std::uint64_t place = BelowSigma();
    const bool negative = (Word() & 1U) != 0;
    if (k == 0 && place == 0 && negative) {
      continue;  // or 0 would come twice as often
    }
    for (std::uint64_t i = 0; i < k && kept; ++i) {
      kept = ExpMinus(place);
    }
    if (kept && ExpMinusHalfSquare(place)) {
      const auto size = static_cast<std::int64_t>(k * sigma_ + place);
      return negative ? -size : size;
    }
  }
}

std::uint32_t DiscreteGaussian::Word() {
  if (used_ == words_.size()) {
    source_(words_);
    used_ = 0;
  }
  return words_[used_++];
}

/// A coin of probability part / whole; part <= whole < 2^62.
bool DiscreteGaussian::Ratio(std::uint64_t part, std::uint64_t whole) {
  while (true) {
    // The digits of a uniform number against those of the ratio: the first that differs decides.
    const Wide digit = static_cast<Wide>(Word()) * whole;
    const Wide ratio = static_cast<Wide>(part) << 32;
    if (digit + whole <= ratio) {
      return true;
    }
    if (digit >= ratio) {
      return false;
    }
    part = static_cast<std::uint64_t>(ratio - digit);
  }
}

/// A coin of probability 1 / n.
bool DiscreteGaussian::OneIn(std::uint32_t n) {
  return n == 1 || Ratio(1, n);
}

/// A coin of probability exp(-y) is heads if an odd number of factors y / 1, y / 2, ... is needed
/// until one of them, taken for a coin, fails.
bool DiscreteGaussian::ExpMinusHalf() {
  std::uint32_t n = 1;
  while (Ratio(1, std::uint64_t{2} * n)) {
    ++n;
  }
  return n % 2 == 1;
}

/// exp(-x) with x = part / sigma.
bool DiscreteGaussian::ExpMinus(std::uint64_t part) {
  std::uint32_t n = 1;
  while (OneIn(n) && Ratio(part, sigma_)) {
    ++n;
  }
  return n % 2 == 1;
}

/// exp(-x^2 / 2).
bool DiscreteGaussian::ExpMinusHalfSquare(std::uint64_t part) {
  std::uint32_t n = 1;
  while (OneIn(n) && Ratio(part, 2 * sigma_) && Ratio(part, sigma_)) {
    ++n;
  }
  return n % 2 == 1;
}

/// Source  Lemire 2019, "Fast random integer generation in an interval".
std::uint64_t DiscreteGaussian::BelowSigma() {
  if (sigma_ < kOneWord) {
    std::uint64_t product = Word() * sigma_;
    while (product % kOneWord < rejected_) {
      product = Word() * sigma_;
    }
    return product / kOneWord;
  }
  while (true) {
    const std::uint64_t high = Word();
    const Wide product = static_cast<Wide>((high << 32) | Word()) * sigma_;
    if (static_cast<std::uint64_t>(product) >= rejected_) {
      return static_cast<std::uint64_t>(product >> 64);
    }
  }
}

}  // namespace rondo
