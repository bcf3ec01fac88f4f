#pragma once

#include <cstdint>
#include <span>

/// The loops over whole models that a round consists of outside training. Every machine gets the
/// same bits from them.
namespace rondo {

bool AllFinite(std::span<const float> values);

/// Adds round(values * scale), clamped to [-most, most], to `sums`. The one place where an update
/// meets the exact grid, so that every road to a sum gives the same numbers.
/// Shapes  as many sums as values. Returns the number of clamped coordinates.
std::uint64_t FoldExact(std::span<std::int64_t> sums,
                        std::span<const float> values,
                        double scale,
                        double most);

/// mean = value * step / divisor, the values of a ring of `modulus` numbers (0: no ring) centred on
/// zero first.
void MeanOfGrid(std::span<const std::int64_t> values,
                std::int64_t modulus,
                double step,
                double divisor,
                std::span<float> mean);

/// values *= factor, each rounded once.
void Scale(std::span<float> values, double factor);

/// sums += values * factor, each rounded once.
void AddScaled(std::span<float> sums, std::span<const float> values, double factor);

/// Whether every value, centred on the ring of `mask` + 1 numbers, is at most `most` in magnitude,
/// and none lies outside the ring. A mask of all ones means no ring. `most` is at most 2^62.
bool WithinLimit(std::span<const std::int64_t> values, std::uint64_t mask, std::uint64_t most);

/// The sum of squares with a fixed order of additions: eight running sums, so that compilers may
/// vectorise it.
double SquaredSum(std::span<const float> values);

/// The factor that brings an update of L2 norm `norm` within `clip_norm`; 1 if it is there already,
/// not finite, or `clip_norm` is 0.
double ClipFactor(double norm, double clip_norm);

}  // namespace rondo
