#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/federated/parameters.h"

/// A sketch of an embedding table's change with fewer columns: with Q [width, rank] of orthonormal
/// columns, drawn anew every round from a seed that all share, the client sends D Q and the server
/// takes (width / rank) (D Q) Q^T for D. Its expected value is D, and it is linear, so it can be
/// summed and masked.
/// Source  Konecny et al. 2016, "Federated learning: strategies for improving communication
/// efficiency", section 2 (structured updates, with the random factor on the right).
namespace rondo {

/// Embedding tables wider than `rank` get `rank` columns; `layout` itself if there is none.
std::shared_ptr<const ParameterLayout> LowRankLayout(
    const std::shared_ptr<const ParameterLayout>& layout,
    std::int64_t rank);

/// Q, row-major [width, rank]: orthonormal columns of a Gaussian draw of (seed, round).
std::vector<double> RandomProjection(std::uint64_t seed,
                                     std::uint64_t round,
                                     std::int64_t width,
                                     std::int64_t rank);

/// From a layout to its low-rank one and back.
ParameterVector Project(const ParameterVector& whole,
                        const std::shared_ptr<const ParameterLayout>& low_rank,
                        std::uint64_t seed,
                        std::uint64_t round);
ParameterVector Unproject(const ParameterVector& sketch,
                          const std::shared_ptr<const ParameterLayout>& whole,
                          std::uint64_t seed,
                          std::uint64_t round);

}  // namespace rondo
