#include "common/federated/compression.h"

#include <string>
#include <utility>

#include "common/config/validate.h"
#include "common/federated/low_rank.h"
#include "common/federated/packing.h"
#include "common/federated/vector_math.h"

namespace rondo {
Status CheckCompression(const CompressionConfig& config,
                        const std::shared_ptr<const ParameterLayout>& shared) {
  if (HasStage(config, "low_rank") && CompressedLayout(config, shared) == shared) {
    return Fail(ErrorCode::kInvalidArgument,
                "compression.rank: no embedding table that clients share is wider than "
                    + std::to_string(config.rank)
                    + ", so \"low_rank\" would change nothing; lower it, or leave the stage out");
  }
  return Ok();
}

std::shared_ptr<const ParameterLayout> CompressedLayout(
    const CompressionConfig& config,
    const std::shared_ptr<const ParameterLayout>& shared) {
  return HasStage(config, "low_rank") ? LowRankLayout(shared, config.rank) : shared;
}

bool PacksUpdates(const CompressionConfig& config) {
  return HasStage(config, "top_k") || HasStage(config, "quantise");
}

bool KeepsResidual(const CompressionConfig& config) {
  return HasStage(config, "top_k");
}

Result<Compressed> Compress(const TrainTask& task,
                            ParameterVector delta,
                            const ParameterVector* residual,
                            Rng& rng) {
  const CompressionConfig& config = task.compression;
  if (KeepsResidual(config) && residual != nullptr) {
    if (residual->layout->digest() != delta.layout->digest()) {
      return Fail(ErrorCode::kCorrupt, "the client's residual is of another model");
    }
    AddScaled(delta.values, residual->values, 1.0);
  }
  const auto layout = CompressedLayout(config, delta.layout);
  if (layout != delta.layout) {
    delta = Project(delta, layout, task.seed, task.round);
  }
  if (!AllFinite(delta.values)) {
    return Fail(ErrorCode::kDiverged, "the update holds numbers that are not finite");
  }
  Compressed compressed;
  if (!PacksUpdates(config)) {
    compressed.values = std::move(delta.values);
    return compressed;
  }
  compressed.packed = PackUpdate(config, *layout, delta.values, rng);
  RONDO_TRY(compressed.values, UnpackUpdate(config, *layout, compressed.packed));
  if (KeepsResidual(config)) {
    AddScaled(delta.values, compressed.values, -1.0);
    compressed.residual = std::move(delta);
  }
  return compressed;
}

Result<ParameterVector> Expand(const TrainTask& task,
                               ParameterVector mean,
                               const std::shared_ptr<const ParameterLayout>& shared) {
  const auto layout = CompressedLayout(task.compression, shared);
  if (mean.layout->digest() != layout->digest()) {
    return Fail(ErrorCode::kFailedPrecondition, "the mean update is not in the layout of the task");
  }
  return layout == shared ? std::move(mean) : Unproject(mean, shared, task.seed, task.round);
}

}  // namespace rondo
