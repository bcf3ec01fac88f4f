#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/core/result.h"
#include "common/core/rng.h"
#include "common/federated/parameters.h"

namespace rondo {

/// A grid of fixed-point numbers on which updates are summed exactly, whatever the order.
///
/// exact  int64, step 2^-32, nearest rounding; the wire carries float32 and the weight, the
/// receiver rounds. ring   integers mod 2^bits, stochastic rounding; what masking needs.
struct GridSpec {
  enum class Kind : std::uint8_t { kExact = 0, kRing = 1 };
  Kind kind = Kind::kExact;
  int bits = 64;
  double step = 0x1p-32;
  double limit =
      0x1p20;  ///< weighted coordinates are clamped to [-limit, limit] and counted as saturated

  bool operator==(const GridSpec&) const = default;

  /// `number & mask()` reduces to the ring; all ones on the exact grid.
  std::uint64_t mask() const {
    return kind == Kind::kRing && bits < 64 ? (std::uint64_t{1} << bits) - 1 : ~std::uint64_t{0};
  }
};

/// How a block was scaled before it was summed.
enum class Scaling : std::uint8_t { kByWeight = 0, kPerClient = 1 };

/// One summed vector: the model delta, metrics, counters.
struct GridBlock {
  std::string name;
  std::shared_ptr<const ParameterLayout> layout;
  GridSpec grid;
  Scaling scaling = Scaling::kByWeight;
  std::vector<std::int64_t> values;  ///< multiples of grid.step; on the ring reduced to [0, 2^bits)
};

/// An exact sum of updates; a single update is a sum of one. A commutative monoid under Add.
struct UpdateSum {
  std::vector<GridBlock> blocks;
  std::uint64_t weight = 0;
  std::uint32_t contributors = 0;
  std::uint64_t saturated = 0;

  GridBlock* Find(std::string_view name);
  const GridBlock* Find(std::string_view name) const;

  /// Errors  kFailedPrecondition if blocks differ in name, layout or grid; then nothing is changed.
  Status Add(const UpdateSum& other);
};

/// The names of the blocks that a training and an evaluation round sum.
inline constexpr std::string_view kDeltaBlock = "delta";
inline constexpr std::string_view kMetricsBlock = "metrics";

/// An all-zero block.
GridBlock MakeBlock(std::string name,
                    std::shared_ptr<const ParameterLayout> layout,
                    const GridSpec& grid,
                    Scaling scaling);

/// The grid of an offer, with the proof that `clients` updates cannot overflow it.
/// Errors  kInvalidArgument if no step is left.
Result<GridSpec> MakeGrid(const PrivacyConfig& config,
                          std::uint64_t max_weight,
                          std::uint64_t clients);

/// Adds round(values * weight / step) to the block. `rng` is needed on the ring only (stochastic
/// rounding). Splits the vector over `threads`; the result does not depend on them. Returns the
/// number of saturated coordinates. Errors  kDiverged if a value is not finite; then nothing is
/// changed.
Result<std::uint64_t> FoldDense(GridBlock& block,
                                std::span<const float> values,
                                std::uint64_t weight,
                                Rng* rng,
                                int threads = 1);

/// The sum as real numbers: centred on the ring, times the step.
std::vector<double> GridToReal(const GridBlock& block);

/// The integer weight of a client with `positions` training positions.
std::uint64_t ClientWeight(const StrategyConfig& config, std::uint64_t positions);

/// Scales `values` to an L2 norm of at most `clip_norm` (0: never). Returns the norm before.
double ClipToNorm(std::span<float> values, double clip_norm);

}  // namespace rondo
