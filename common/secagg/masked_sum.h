#pragma once

#include <cstdint>
#include <vector>

#include "common/core/result.h"
#include "common/federated/update_sum.h"
#include "common/secagg/vector_spec.h"

/// What a round sums as one vector under one mask: its blocks, each a segment, then "totals".
namespace rondo::secagg {

/// The blocks of a round; their values are not read.
struct SumShape {
  std::vector<GridBlock> blocks;
  double noise_stddev = 0.0;  ///< TrainTask::noise_stddev
};

/// A segment of 16, 24, 32 or 64 bits a block, on which numbers keep their signs, and 64 bits for
/// each of the totals. Holds the proof that `most_clients` cannot overflow the blocks' grids.
/// Errors  kInvalidArgument if they can, and as CheckSpec.
Result<VectorSpec> SpecOfSum(const SumShape& shape, std::uint32_t most_clients);

/// One client's update and its training loss, which is clamped to 2^20 either way.
/// Errors  kInvalidArgument if blocks do not fit the spec.
Result<Bytes> PackForSum(const VectorSpec& spec, const UpdateSum& update, double loss);

struct OpenedSum {
  UpdateSum sum;
  double loss = 0.0;  ///< of all contributors, added up
};

/// `packed` is the sum of the vectors of `contributors` clients.
/// Errors  kCorrupt for totals that no clients have.
Result<OpenedSum> UnpackSum(const SumShape& shape,
                            const VectorSpec& spec,
                            ByteView packed,
                            std::uint32_t contributors);

}  // namespace rondo::secagg
