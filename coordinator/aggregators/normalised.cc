#include "coordinator/aggregators/normalised.h"

#include <utility>

#include "common/federated/steps_block.h"
#include "common/federated/vector_math.h"

namespace rondo::coordinator {
namespace {

class Normalised : public Aggregator {
 public:
  explicit Normalised(std::unique_ptr<Aggregator> next) : next_(std::move(next)) {}

  Status Accumulate(UpdateSum update) override {
    RONDO_TRY(const double steps, TakeSteps(update));
    const std::uint64_t weight = update.weight;
    RONDO_TRY_STATUS(next_->Accumulate(std::move(update)));
    steps_ += steps;
    weight_ += static_cast<double>(weight);
    return Ok();
  }

  Result<ParameterVector> Report() && override {
    RONDO_TRY(ParameterVector mean, std::move(*next_).Report());
    Scale(mean.values, steps_ / weight_);
    return mean;
  }

 private:
  std::unique_ptr<Aggregator> next_;
  double steps_ = 0.0;
  double weight_ = 0.0;
};

}  // namespace

std::unique_ptr<Aggregator> NewNormalised(std::unique_ptr<Aggregator> next) {
  return std::make_unique<Normalised>(std::move(next));
}

}  // namespace rondo::coordinator
