#include "common/core/rng.h"

#include <cmath>
#include <numbers>

#include "common/core/check.h"

namespace rondo {
namespace {

std::pair<std::uint32_t, std::uint32_t> MultiplyHighLow(std::uint32_t a, std::uint32_t b) {
  const std::uint64_t product = static_cast<std::uint64_t>(a) * b;
  return {static_cast<std::uint32_t>(product >> 32), static_cast<std::uint32_t>(product)};
}

}  // namespace

std::uint64_t SplitMix64(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

std::uint64_t HashId(std::string_view id) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : id) {
    hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001B3ULL;
  }
  return SplitMix64(hash);
}

std::array<std::uint32_t, 4> Rng::Philox(std::array<std::uint32_t, 4> counter,
                                         std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const auto [high0, low0] = MultiplyHighLow(0xD2511F53U, counter[0]);
    const auto [high1, low1] = MultiplyHighLow(0xCD9E8D57U, counter[2]);
    counter = {high1 ^ counter[1] ^ key[0], low1, high0 ^ counter[3] ^ key[1], low0};
    key = {key[0] + 0x9E3779B9U, key[1] + 0xBB67AE85U};
  }
  return counter;
}

Rng::Rng(const StreamName& name) {
  // Chained mixing: each part of the name passes through a bijection, so nearby names share
  // nothing.
  std::uint64_t state = SplitMix64(name.seed);
  state = SplitMix64(state ^ name.round);
  state = SplitMix64(state ^ name.client);
  const std::uint64_t key = SplitMix64(state ^ static_cast<std::uint64_t>(name.purpose));
  const std::uint64_t nonce = SplitMix64(key ^ SplitMix64(name.client + 1));
  key_ = {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
  counter_ = {0, 0, static_cast<std::uint32_t>(nonce), static_cast<std::uint32_t>(nonce >> 32)};
}

std::uint32_t Rng::NextU32() {
  if (used_ == 4) {
    block_ = Philox(counter_, key_);
    counter_[1] += (++counter_[0] == 0) ? 1 : 0;
    used_ = 0;
  }
  return block_[used_++];
}

std::uint64_t Rng::NextU64() {
  const std::uint64_t high = NextU32();
  return (high << 32) | NextU32();
}

double Rng::Uniform() {
  return static_cast<double>(NextU64() >> 11) * 0x1.0p-53;
}

std::uint64_t Rng::Below(std::uint64_t bound) {
  RONDO_CHECK(bound > 0) << "there is no number below 0";
  return UniformBelow(bound, [this] { return NextU64(); });
}

double Rng::Normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - Uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * Uniform());
}

}  // namespace rondo
