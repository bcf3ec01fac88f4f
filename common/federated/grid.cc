#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <thread>

#include "common/core/check.h"
#include "common/federated/update_sum.h"
#include "common/federated/vector_math.h"

namespace rondo {
namespace {

constexpr double kExactStep = 0x1p-32;
constexpr std::uint64_t kExactRange = std::uint64_t{1}
                                      << 62;  ///< bound of a sum on the exact grid, in steps
constexpr std::uint64_t kMinRingLevels = 16;  ///< coarser than that, an update is only noise

// A vector is folded in chunks of fixed size: a chunk has its own random stream, so that the number
// of threads changes nothing.
constexpr std::size_t kChunk = 1U << 14;
constexpr std::size_t kChunksAThread = 4;

using ChunkFunction =
    std::function<std::uint64_t(std::size_t chunk, std::size_t begin, std::size_t end)>;

/// Calls `function` for every chunk of `size` elements and returns the sum of what it returned.
std::uint64_t ForChunks(std::size_t size, int threads, const ChunkFunction& function) {
  const std::size_t chunks = (size + kChunk - 1) / kChunk;
  const std::size_t useful = std::max<std::size_t>(chunks / kChunksAThread, 1);
  const std::size_t workers =
      std::clamp<std::size_t>(static_cast<std::size_t>(std::max(threads, 1)), 1, useful);
  std::vector<std::uint64_t> totals(workers, 0);
  const auto work = [&](std::size_t worker) {
    std::uint64_t total = 0;
    for (std::size_t chunk = chunks * worker / workers; chunk < chunks * (worker + 1) / workers;
         ++chunk) {
      total += function(chunk, chunk * kChunk, std::min(size, (chunk + 1) * kChunk));
    }
    totals[worker] = total;
  };
  {
    std::vector<std::jthread> helpers;
    for (std::size_t worker = 1; worker < workers; ++worker) {
      helpers.emplace_back(work, worker);
    }
    work(0);
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t total : totals) {
    sum += total;
  }
  return sum;
}

bool AllFinite(std::span<const float> values, int threads) {
  return ForChunks(
             values.size(),
             threads,
             [&](std::size_t, std::size_t begin, std::size_t end) {
               return std::uint64_t{rondo::AllFinite(values.subspan(begin, end - begin)) ? 0U : 1U};
             })
         == 0;
}

std::uint64_t FoldRing(std::span<std::int64_t> sums,
                       std::span<const float> values,
                       double scale,
                       double most,
                       std::uint64_t mask,
                       Rng rng) {
  std::uint64_t saturated = 0;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const double scaled = static_cast<double>(values[i]) * scale;
    saturated += static_cast<std::uint64_t>(std::abs(scaled) > most);
    const double clamped = std::clamp(scaled, -most, most);
    // Stochastic rounding: up with the probability of the fraction, so the expectation is exact.
    const double floor = std::floor(clamped);
    const bool up = static_cast<double>(rng.NextU32()) * 0x1p-32 < clamped - floor;
    const std::int64_t rounded = static_cast<std::int64_t>(floor) + static_cast<std::int64_t>(up);
    sums[i] = static_cast<std::int64_t>(
        (static_cast<std::uint64_t>(sums[i]) + static_cast<std::uint64_t>(rounded)) & mask);
  }
  return saturated;
}

Result<GridSpec> MakeExactGrid(std::uint64_t max_weight, std::uint64_t clients) {
  // Each update is at most kExactRange / bit_ceil(clients) steps, so the sum of all is at most 2^62
  // < 2^63.
  const std::uint64_t most = clients > kExactRange ? 0 : kExactRange / std::bit_ceil(clients);
  const double limit = static_cast<double>(most) * kExactStep;
  if (limit < static_cast<double>(max_weight)) {
    return Fail(ErrorCode::kInvalidArgument,
                "the exact grid cannot hold " + std::to_string(clients) + " clients of weight "
                    + std::to_string(max_weight)
                    + "; lower strategy.max_weight or strategy.cohort");
  }
  return GridSpec{.kind = GridSpec::Kind::kExact, .bits = 64, .step = kExactStep, .limit = limit};
}

Result<GridSpec> MakeRingGrid(const PrivacyConfig& config,
                              std::uint64_t max_weight,
                              std::uint64_t clients) {
  if (config.ring_bits < 8 || config.ring_bits > 62) {
    return Fail(ErrorCode::kInvalidArgument,
                "privacy.ring_bits must be 8 to 62, got " + std::to_string(config.ring_bits));
  }
  if (!std::isfinite(config.ring_range) || config.ring_range < 0x1p-100
      || config.ring_range > 0x1p100) {
    return Fail(ErrorCode::kInvalidArgument, "privacy.ring_range must be a positive number");
  }
  // Each update is at most `levels` steps, so the sum of all stays below half the ring and keeps
  // its sign.
  const std::uint64_t levels = ((std::uint64_t{1} << (config.ring_bits - 1)) - 1) / clients;
  if (levels < kMinRingLevels) {
    return Fail(ErrorCode::kInvalidArgument,
                "a ring of " + std::to_string(config.ring_bits) + " bits leaves no step for "
                    + std::to_string(clients)
                    + " clients; raise privacy.ring_bits or lower strategy.cohort");
  }
  // The smallest power of two with limit / step <= levels. Both bounds are exact: scaling by a
  // power of two is.
  const double limit = config.ring_range * static_cast<double>(max_weight);
  int exponent = std::ilogb(limit) - std::ilogb(static_cast<double>(levels)) - 2;
  while (std::ldexp(limit, -exponent) > static_cast<double>(levels)
         || std::ldexp(limit, -exponent) > 0x1p52) {
    ++exponent;
  }
  return GridSpec{.kind = GridSpec::Kind::kRing,
                  .bits = config.ring_bits,
                  .step = std::ldexp(1.0, exponent),
                  .limit = limit};
}

}  // namespace

Result<GridSpec> MakeGrid(const PrivacyConfig& config,
                          std::uint64_t max_weight,
                          std::uint64_t clients) {
  if (clients == 0 || max_weight == 0) {
    return Fail(ErrorCode::kInvalidArgument,
                "a grid needs at least one client and a weight of at least 1");
  }
  if (config.grid == "exact") {
    return MakeExactGrid(max_weight, clients);
  }
  if (config.grid == "ring") {
    return MakeRingGrid(config, max_weight, clients);
  }
  return Fail(ErrorCode::kInvalidArgument,
              "privacy.grid: unknown \"" + config.grid + "\"; use exact or ring");
}

Result<std::uint64_t> FoldDense(GridBlock& block,
                                std::span<const float> values,
                                std::uint64_t weight,
                                Rng* rng,
                                int threads) {
  RONDO_CHECK(values.size() == block.values.size()) << "the caller compared the layouts";
  if (!AllFinite(values, threads)) {
    return Fail(ErrorCode::kDiverged,
                "the update holds NaN or infinity in block \"" + block.name + "\"");
  }
  // A power of two, so the product below is exact up to a weight of 2^29.
  const double scale = static_cast<double>(weight) / block.grid.step;
  const double most = std::floor(block.grid.limit / block.grid.step);
  if (block.grid.kind == GridSpec::Kind::kExact) {
    return ForChunks(values.size(), threads, [&](std::size_t, std::size_t begin, std::size_t end) {
      const std::span<std::int64_t> sums = std::span(block.values).subspan(begin, end - begin);
      return FoldExact(sums, values.subspan(begin, end - begin), scale, most);
    });
  }
  RONDO_CHECK(rng != nullptr) << "the ring grid rounds at random";
  const std::uint64_t key = rng->NextU64();
  const std::uint64_t mask = block.grid.mask();
  return ForChunks(
      values.size(), threads, [&](std::size_t chunk, std::size_t begin, std::size_t end) {
        const StreamName stream{
            .seed = key, .round = chunk, .client = 0, .purpose = Purpose::kRounding};
        return FoldRing(std::span(block.values).subspan(begin, end - begin),
                        values.subspan(begin, end - begin),
                        scale,
                        most,
                        mask,
                        Rng(stream));
      });
}

std::vector<double> GridToReal(const GridBlock& block) {
  std::vector<double> reals(block.values.size());
  const bool ring = block.grid.kind == GridSpec::Kind::kRing;
  const std::int64_t modulus = ring ? std::int64_t{1} << block.grid.bits : 0;
  const std::int64_t half = ring ? modulus / 2 : std::numeric_limits<std::int64_t>::max();
  for (std::size_t i = 0; i < reals.size(); ++i) {
    const std::int64_t value = block.values[i];
    reals[i] = static_cast<double>(value >= half ? value - modulus : value) * block.grid.step;
  }
  return reals;
}

}  // namespace rondo
