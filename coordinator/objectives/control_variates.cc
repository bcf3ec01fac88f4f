#include "coordinator/objectives/control_variates.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "common/federated/control_variates.h"
#include "common/federated/vector_math.h"
#include "coordinator/objectives/server_vector.h"

namespace rondo::coordinator {
namespace {

class ControlSum : public Aggregator {
 public:
  ControlSum(AggregationRound round,
             detail::ServerVector& control,
             std::unique_ptr<Aggregator> next)
      : round_(std::move(round)),
        control_(control),
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
                 static_cast<double>(std::max<std::size_t>(round_.population, 1)),
                 shared.values);
      CopyTensors(shared, change);
    }
    ParameterVector next = control_.Now(mean.layout);
    AddScaled(next.values, change.values, 1.0);
    if (!AllFinite(next.values)) {
      return Fail(ErrorCode::kDiverged, "the server's control variate is no longer finite");
    }
    control_.Propose(std::move(next));
    return mean;
  }

 private:
  AggregationRound round_;
  detail::ServerVector& control_;
  std::unique_ptr<Aggregator> next_;
  UpdateSum changes_;
};

class ControlVariates : public Objective {
 public:
  std::vector<NamedVector> Extra(const ParameterVector& model) const override {
    std::vector<NamedVector> extra;
    extra.push_back({.name = control_.name(), .vector = control_.Now(model.layout)});
    return extra;
  }

  std::unique_ptr<Aggregator> Wrap(const AggregationRound& round,
                                   std::unique_ptr<Aggregator> next) override {
    return std::make_unique<ControlSum>(round, control_, std::move(next));
  }

  void Commit() override { control_.Commit(); }

  detail::NamedState SaveState() const override { return control_.Save(); }

  std::vector<std::string> state_names() const override { return {control_.name()}; }

  Status LoadState(detail::NamedState state) override { return control_.Load(std::move(state)); }

 private:
  detail::ServerVector control_{std::string(kControlVector)};
};

}  // namespace

std::unique_ptr<Objective> NewControlVariates(const StrategyConfig& /*config*/) {
  return std::make_unique<ControlVariates>();
}

}  // namespace rondo::coordinator
