#include "common/metrics/sign_flip.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/core/rng.h"

namespace rondo {
namespace {

/// Most units whose sign vectors fit a loop of reasonable length.
constexpr int kMostExact = 24;

/// Decides whether a sum is as far out as the one seen; sums in another order differ in last bits.
class Extremes {
 public:
  explicit Extremes(std::span<const double> values) {
    double sum = 0.0;
    double size = 0.0;
    for (const double value : values) {
      sum += value;
      size += std::abs(value);
    }
    bound_ = std::abs(sum) - 1e-12 * size;
  }

  bool operator()(double sum) const { return std::abs(sum) >= bound_; }

 private:
  double bound_ = 0.0;
};

SignFlip AllFlips(std::span<const double> values) {
  const Extremes is_extreme(values);
  const std::uint64_t vectors = 1ULL << values.size();
  std::uint64_t hits = 0;
  for (std::uint64_t signs = 0; signs < vectors; ++signs) {
    double sum = 0.0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      sum += (signs >> i & 1) != 0 ? -values[i] : values[i];
    }
    hits += is_extreme(sum) ? 1 : 0;
  }
  const auto all = static_cast<double>(vectors);
  // The vector seen and its opposite are always among them.
  return {.p = static_cast<double>(hits) / all, .smallest = 2.0 / all, .exact = true};
}

SignFlip RandomFlips(std::span<const double> values, const SignFlipOptions& options) {
  constexpr std::size_t kBits = 64;
  const Extremes is_extreme(values);
  Rng rng({.seed = options.seed, .round = 1, .purpose = Purpose::kBootstrap});
  int hits = 0;
  for (int flip = 0; flip < options.flips; ++flip) {
    double sum = 0.0;
    std::uint64_t signs = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      signs = i % kBits == 0 ? rng.NextU64() : signs >> 1;
      sum += (signs & 1) != 0 ? -values[i] : values[i];
    }
    hits += is_extreme(sum) ? 1 : 0;
  }
  const double all = 1.0 + options.flips;
  return {.p = (1.0 + hits) / all, .smallest = 1.0 / all, .exact = false};
}

}  // namespace

Result<SignFlip> SignFlipTest(std::span<const double> differences, const SignFlipOptions& options) {
  if (differences.empty() || options.flips < 1
      || !std::all_of(differences.begin(), differences.end(), [](double value) {
           return std::isfinite(value);
         })) {
    return Fail(ErrorCode::kInvalidArgument,
                "sign-flip test: needs finite differences, at least one, and flips >= 1");
  }
  const int most = std::min(options.exact_up_to, kMostExact);
  return differences.size() <= static_cast<std::size_t>(std::max(most, 0))
             ? AllFlips(differences)
             : RandomFlips(differences, options);
}

Result<SignFlip> ClusterSignFlipTest(std::span<const double> differences,
                                     std::span<const std::uint32_t> clusters,
                                     const SignFlipOptions& options) {
  if (differences.size() != clusters.size()) {
    return Fail(ErrorCode::kInvalidArgument,
                "sign-flip test: " + std::to_string(clusters.size()) + " institutions for "
                    + std::to_string(differences.size()) + " users");
  }
  std::vector<double> sums;
  std::unordered_map<std::uint32_t, std::size_t> place_of;
  for (std::size_t i = 0; i < differences.size(); ++i) {
    const auto [found, is_new] = place_of.emplace(clusters[i], sums.size());
    if (is_new) {
      sums.push_back(0.0);
    }
    sums[found->second] += differences[i];
  }
  return SignFlipTest(sums, options);
}

}  // namespace rondo
