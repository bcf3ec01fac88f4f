#include "common/federated/compression.h"

#include <algorithm>
#include <utility>

#include "common/federated/low_rank.h"
#include "common/federated/packing.h"
#include "common/federated/vector_math.h"

namespace rondo {
namespace {

bool Has(const CompressionConfig& config, std::string_view stage) {
  return std::find(config.stages.begin(), config.stages.end(), stage) != config.stages.end();
}

}  // namespace

std::shared_ptr<const ParameterLayout> CompressedLayout(
    const CompressionConfig& config,
    const std::shared_ptr<const ParameterLayout>& shared) {
  return Has(config, "low_rank") ? LowRankLayout(shared, config.rank) : shared;
}

bool PacksUpdates(const CompressionConfig& config) {
  return Has(config, "top_k") || Has(config, "quantise");
}

bool KeepsResidual(const CompressionConfig& config) {
  return Has(config, "top_k");
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
