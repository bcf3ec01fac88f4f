#include "simulations/traffic.h"

#include <cmath>

#include "common/config/validate.h"
#include "common/federated/packing.h"

namespace rondo::sim {
namespace {

/// The grammar stands in packing.h. A gap between two places takes seven bits a byte.
double PackedBytes(const CompressionConfig& config, const ParameterLayout& layout) {
  const auto sent = static_cast<double>(CoordinatesSent(config, layout.size()));
  const double gap =
      HasStage(config, "top_k") ? std::ceil(std::log2(1.0 / config.top_k + 1.0) / 7.0) : 0.0;
  const double value = HasStage(config, "quantise") ? config.bits / 8.0 : sizeof(float);
  const double scales = HasStage(config, "quantise")
                            ? static_cast<double>(layout.entries().size() * sizeof(float))
                            : 0.0;
  return sent * (gap + value) + scales;
}

}  // namespace

std::uint64_t BytesOf(const Broadcast& broadcast) {
  return broadcast.model.values.size() * (1 + broadcast.extra.size()) * sizeof(float);
}

std::uint64_t BytesOf(const std::vector<LocalBlock>& blocks) {
  std::uint64_t bytes = 0;
  for (const LocalBlock& block : blocks) {
    bytes += block.shape.packed ? block.packed.size() : block.values.size() * sizeof(float);
  }
  return bytes;
}

std::uint64_t ExpectedBytes(const TrainTask& task,
                            const std::shared_ptr<const ParameterLayout>& model) {
  double bytes = 0.0;
  for (const BlockShape& block : BlocksOfTask(task, model)) {
    bytes += block.packed ? PackedBytes(task.compression, *block.layout)
                          : static_cast<double>(block.layout->size() * sizeof(float));
  }
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace rondo::sim
