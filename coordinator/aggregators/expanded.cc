#include "coordinator/aggregators/expanded.h"

#include <utility>

#include "common/federated/compression.h"

namespace rondo::coordinator {
namespace {

class Expanded : public Aggregator {
 public:
  Expanded(TrainTask task,
           std::shared_ptr<const ParameterLayout> model,
           std::unique_ptr<Aggregator> next)
      : task_(std::move(task)),
        model_(std::move(model)),
        next_(std::move(next)) {}

  Status Accumulate(UpdateSum update) override { return next_->Accumulate(std::move(update)); }

  Result<ParameterVector> Report() && override {
    RONDO_TRY(ParameterVector mean, std::move(*next_).Report());
    RONDO_TRY(ParameterVector shared, Expand(task_, std::move(mean), SharedLayout(model_)));
    if (shared.layout == model_) {
      return shared;
    }
    ParameterVector whole{.layout = model_, .values = std::vector<float>(model_->size())};
    CopyTensors(shared, whole);
    return whole;
  }

 private:
  TrainTask task_;
  std::shared_ptr<const ParameterLayout> model_;
  std::unique_ptr<Aggregator> next_;
};

}  // namespace

std::unique_ptr<Aggregator> NewExpanded(TrainTask task,
                                        std::shared_ptr<const ParameterLayout> model,
                                        std::unique_ptr<Aggregator> next) {
  return std::make_unique<Expanded>(std::move(task), std::move(model), std::move(next));
}

}  // namespace rondo::coordinator
