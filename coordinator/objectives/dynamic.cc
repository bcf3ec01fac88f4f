#include "coordinator/objectives/dynamic.h"

#include <algorithm>
#include <utility>

#include "common/federated/vector_math.h"

namespace rondo::coordinator {
namespace {

class DynamicMean : public Aggregator {
 public:
  DynamicMean(AggregationRound round, detail::ServerVector& drift, std::unique_ptr<Aggregator> next)
      : round_(std::move(round)),
        drift_(drift),
        next_(std::move(next)) {}

  Status Accumulate(UpdateSum update) override {
    const std::uint32_t contributors = update.contributors;
    RONDO_TRY_STATUS(next_->Accumulate(std::move(update)));
    contributors_ += contributors;
    return Ok();
  }

  Result<ParameterVector> Report() && override {
    RONDO_TRY(ParameterVector mean, std::move(*next_).Report());
    const auto clients = static_cast<double>(std::max<std::size_t>(round_.population, 1));
    ParameterVector drift = drift_.Now(mean.layout);
    AddScaled(drift.values, mean.values, static_cast<double>(contributors_));
    AddScaled(mean.values, drift.values, 1.0 / clients);
    drift_.Propose(std::move(drift));
    return mean;
  }

 private:
  AggregationRound round_;
  detail::ServerVector& drift_;
  std::unique_ptr<Aggregator> next_;
  std::uint64_t contributors_ = 0;
};

class Dynamic : public Objective {
 public:
  Dynamic() : Objective("drift") {}

  std::vector<NamedVector> Extra(const ParameterVector& /*model*/,
                                 std::size_t /*population*/) const override {
    return {};
  }

  std::unique_ptr<Aggregator> Wrap(const AggregationRound& round,
                                   std::unique_ptr<Aggregator> next) override {
    return std::make_unique<DynamicMean>(round, state(), std::move(next));
  }
};

}  // namespace

std::unique_ptr<Objective> NewDynamic() {
  return std::make_unique<Dynamic>();
}

}  // namespace rondo::coordinator
