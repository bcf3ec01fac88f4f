#include "coordinator/objectives/control_variates.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "common/federated/control_variates.h"
#include "common/federated/vector_math.h"

namespace rondo::coordinator {
namespace {

class ControlSum : public Aggregator {
 public:
  ControlSum(detail::ServerVector& sum, std::unique_ptr<Aggregator> next)
      : sum_(sum),
        next_(std::move(next)) {}

  Status Accumulate(UpdateSum update) override {
    const auto found = std::find_if(update.blocks.begin(),
                                    update.blocks.end(),
                                    [](const GridBlock& b) { return b.name == kControlVector; });
    if (found == update.blocks.end()) {
      return Fail(ErrorCode::kFailedPrecondition, "the update holds no block \"control\"");
    }
    UpdateSum change{.weight = update.weight, .contributors = update.contributors};
    change.blocks.push_back(std::move(*found));
    update.blocks.erase(found);
    RONDO_TRY_STATUS(next_->Accumulate(std::move(update)));
    if (changes_.blocks.empty()) {
      changes_ = std::move(change);
      return Ok();
    }
    return changes_.Add(change);
  }

  Result<ParameterVector> Report() && override {
    RONDO_TRY(ParameterVector mean, std::move(*next_).Report());
    ParameterVector change{.layout = mean.layout, .values = std::vector<float>(mean.values.size())};
    if (!changes_.blocks.empty()) {
      const GridBlock& block = changes_.blocks.front();
      ParameterVector shared{.layout = block.layout,
                             .values = std::vector<float>(block.values.size())};
      const bool ring = block.grid.kind == GridSpec::Kind::kRing;
      MeanOfGrid(block.values,
                 ring ? std::int64_t{1} << block.grid.bits : 0,
                 block.grid.step,
                 1.0,
                 shared.values);
      CopyTensors(shared, change);
    }
    ParameterVector next = sum_.Now(mean.layout);
    AddScaled(next.values, change.values, 1.0);
    if (!AllFinite(next.values)) {
      return Fail(ErrorCode::kDiverged, "the sum of the control variates is no longer finite");
    }
    sum_.Propose(std::move(next));
    return mean;
  }

 private:
  detail::ServerVector& sum_;
  std::unique_ptr<Aggregator> next_;
  UpdateSum changes_;
};

class ControlVariates : public Objective {
 public:
  ControlVariates() : Objective("control_sum") {}

  std::vector<NamedVector> Extra(const ParameterVector& model,
                                 std::size_t population) const override {
    ParameterVector control = state().Now(model.layout);
    Scale(control.values, 1.0 / static_cast<double>(std::max<std::size_t>(population, 1)));
    std::vector<NamedVector> extra;
    extra.push_back({.name = std::string(kControlVector), .vector = std::move(control)});
    return extra;
  }

  std::unique_ptr<Aggregator> Wrap(const AggregationRound& /*round*/,
                                   std::unique_ptr<Aggregator> next) override {
    return std::make_unique<ControlSum>(state(), std::move(next));
  }
};

}  // namespace

std::unique_ptr<Objective> NewControlVariates() {
  return std::make_unique<ControlVariates>();
}

}  // namespace rondo::coordinator
