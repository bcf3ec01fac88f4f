#include "coordinator/aggregators/mean.h"

#include <utility>

#include "common/federated/vector_math.h"

namespace rondo::coordinator {
namespace {

class MeanAggregator : public Aggregator {
 public:
  Status Accumulate(UpdateSum update) override {
    if (update.Find(kDeltaBlock) == nullptr) {
      return Fail(ErrorCode::kFailedPrecondition, "the update holds no block \"delta\"");
    }
    if (sum_.blocks.empty()) {
      sum_ = std::move(update);
      return Ok();
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
    const bool ring = block->grid.kind == GridSpec::Kind::kRing;
    ParameterVector mean{.layout = block->layout,
                         .values = std::vector<float>(block->values.size())};
    MeanOfGrid(block->values,
               ring ? std::int64_t{1} << block->grid.bits : 0,
               block->grid.step,
               divisor,
               mean.values);
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
