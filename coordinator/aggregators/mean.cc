#include "coordinator/aggregators/mean.h"

#include <utility>

namespace rondo::coordinator {
namespace {

class MeanAggregator : public Aggregator {
 public:
  Status Accumulate(const UpdateSum& update) override {
    if (update.Find(kDeltaBlock) == nullptr) {
      return Fail(ErrorCode::kFailedPrecondition, "the update holds no block \"delta\"");
    }
    return sum_.Add(update);
  }

  Result<ParameterVector> Report() && override {
    const GridBlock* block = sum_.Find(kDeltaBlock);
    if (block == nullptr || sum_.contributors == 0 || sum_.weight == 0) {
      return Fail(ErrorCode::kTooFewClients, "no client contributed to the mean");
    }
    const bool by_weight = block->scaling == Scaling::kByWeight;
    const auto divisor = static_cast<double>(by_weight ? sum_.weight : sum_.contributors);
    const std::vector<double> totals = GridToReal(*block);
    ParameterVector mean{.layout = block->layout, .values = std::vector<float>(totals.size())};
    for (std::size_t i = 0; i < totals.size(); ++i) {
      mean.values[i] = static_cast<float>(totals[i] / divisor);
    }
    return mean;
  }

 private:
  UpdateSum sum_;
};

}  // namespace

std::unique_ptr<Aggregator> NewMeanAggregator() {
  return std::make_unique<MeanAggregator>();
}

}  // namespace rondo::coordinator
