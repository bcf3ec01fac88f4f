#pragma once

#include <span>
#include <vector>

#include "common/config/scenario.h"
#include "common/core/bytes.h"
#include "common/core/result.h"
#include "common/core/rng.h"
#include "common/federated/parameters.h"

/// Updates in fewer bytes: the largest coordinates alone, fewer bits for each, or both.
///
///     update  := places scales values
///     places  := with top_k: the number of coordinates, then the gap to each from the one before
///                (the first from -1), less 1; all as LEB128. Without it nothing: all are there
///     scales  := with quantise: one f32 a tensor of the layout, the largest magnitude sent of it,
///                not negative
///     values  := with quantise: `bits` bits each, first bit lowest, 2^(bits-1) - 1 + level, filled
///                up with zero bits to a byte; value = level * scale / (2^(bits-1) - 1).
///                Without it f32 each
///
/// Numbers are little endian. Source  top_k: Stich et al. 2018; quantise: Alistarh et al. 2017
/// (QSGD), with the largest magnitude of a tensor in place of its norm.
namespace rondo {

/// How many coordinates of `size` an update holds.
std::size_t CoordinatesSent(const CompressionConfig& config, std::size_t size);

/// Largest share of coordinates first, ties to the lower index; quantised levels are rounded at
/// random so that their expected value is the coordinate. Shapes  values: the layout's.
Bytes PackUpdate(const CompressionConfig& config,
                 const ParameterLayout& layout,
                 std::span<const float> values,
                 Rng& rng);

/// What a receiver reads, 0 where nothing was sent.
/// Errors  kCorrupt for bytes that break the grammar, name a place outside the layout, hold another
/// number of coordinates than `config` asks for, numbers that are not finite, or bytes to spare.
Result<std::vector<float>> UnpackUpdate(const CompressionConfig& config,
                                        const ParameterLayout& layout,
                                        ByteView bytes);

}  // namespace rondo
