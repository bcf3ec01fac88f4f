#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace rondo {

/// What a stream of random numbers is for. Values are part of the format: append, never renumber.
enum class Purpose : std::uint32_t {
  kInit = 1,
  kCohort = 2,
  kBatchOrder = 3,
  kNegatives = 4,
  kDropout = 5,
  kRounding = 6,
  kPartition = 7,
  kSplit = 8,
  kTies = 9,
  kBootstrap = 10,
  kGenerator = 11,
  kBackoff = 12,
  kTargets = 13,
  kBuckets = 14,
  kAttack = 15,
  kDevices = 16,
  kCompression = 17,
  kProjection = 18,
  kNoise = 19,
};

/// Names one stream: equal names give equal numbers on every machine, thread and rank.
struct StreamName {
  std::uint64_t seed = 0;
  std::uint64_t round = 0;
  std::uint64_t client = 0;  ///< HashId of the client id, or 0.
  Purpose purpose = Purpose::kInit;
};

/// Uniform in [0, bound), without bias, from a source of uniform 64-bit numbers; bound > 0.
template <typename Draw>
std::uint64_t UniformBelow(std::uint64_t bound, Draw&& draw) {
  const std::uint64_t threshold =
      (0 - bound) % bound;  // Values below it would favour small results.
  std::uint64_t value = draw();
  while (value < threshold) {
    value = draw();
  }
  return value % bound;
}

/// Scatters a number over 64 bits, one to one. Source  Steele, Lea and Flood 2014.
std::uint64_t SplitMix64(std::uint64_t x);

/// FNV-1a over the bytes, finished with SplitMix64; stable for ever.
std::uint64_t HashId(std::string_view id);

/// Counter-based generator Philox4x32-10.
///
/// Cheap to make, 48 bytes, no hidden state. Not for keys, masks or noise: those draw from OpenSSL.
/// Source  Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
class Rng {
 public:
  explicit Rng(const StreamName& name);

  /// One block of the bare cipher, for the published test vectors.
  static std::array<std::uint32_t, 4> Philox(std::array<std::uint32_t, 4> counter,
                                             std::array<std::uint32_t, 2> key);

  std::uint32_t NextU32();
  std::uint64_t NextU64();

  /// Uniform in [0, 1), 53 bits.
  double Uniform();

  /// Uniform in [0, bound), without bias; bound > 0.
  std::uint64_t Below(std::uint64_t bound);

  /// Standard normal by Box-Muller.
  double Normal();

  /// Fisher-Yates.
  template <typename T>
  void Shuffle(std::span<T> values) {
    for (std::size_t i = values.size(); i > 1; --i) {
      std::swap(values[i - 1], values[Below(i)]);
    }
  }

 private:
  std::array<std::uint32_t, 2> key_{};
  std::array<std::uint32_t, 4> counter_{};
  std::array<std::uint32_t, 4> block_{};
  unsigned used_ = 4;
};

}  // namespace rondo
