#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "common/config/scenario.h"
#include "common/core/bytes.h"
#include "common/core/result.h"
#include "common/core/rng.h"
#include "common/federated/parameters.h"
#include "common/federated/task.h"

/// What makes updates smaller. The client's half runs after clipping, the server's half before the
/// server step; both are stages that a scenario names.
namespace rondo {

/// What a client's earlier updates lacked of what it meant to send (error feedback).
inline constexpr std::string_view kResidualVector = "residual";

/// Errors  kInvalidArgument for stages that would change nothing about updates of layout `shared`.
Status CheckCompression(const CompressionConfig& config,
                        const std::shared_ptr<const ParameterLayout>& shared);

/// The layout of what is sent for an update of layout `shared`: `shared` itself but for low_rank,
/// which leaves `rank` columns of every embedding table.
std::shared_ptr<const ParameterLayout> CompressedLayout(
    const CompressionConfig& config,
    const std::shared_ptr<const ParameterLayout>& shared);

/// Whether updates travel in the encoding of packing.h.
bool PacksUpdates(const CompressionConfig& config);

/// Whether clients keep a residual.
bool KeepsResidual(const CompressionConfig& config);

struct Compressed {
  std::vector<float> values;  ///< in the compressed layout, as the receiver reads them
  Bytes packed;               ///< if PacksUpdates
  std::optional<ParameterVector> residual;  ///< the next one, if KeepsResidual
};

/// The client's half. `delta` is in the shared layout; `residual` (null: none) is added to it
/// first. `rng` is for stochastic rounding. Errors  kCorrupt for a residual of another layout;
/// kDiverged.
Result<Compressed> Compress(const TrainTask& task,
                            ParameterVector delta,
                            const ParameterVector* residual,
                            Rng& rng);

/// The server's half: brings the mean of compressed updates back to the shared layout. Linear, so
/// what holds for one update holds for a mean. Errors  kFailedPrecondition for another layout.
Result<ParameterVector> Expand(const TrainTask& task,
                               ParameterVector mean,
                               const std::shared_ptr<const ParameterLayout>& shared);

}  // namespace rondo
