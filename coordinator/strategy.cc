#include "coordinator/strategy.h"

#include <algorithm>
#include <span>
#include <utility>

#include "common/config/presets.h"
#include "common/core/suggest.h"
#include "coordinator/aggregators/mean.h"
#include "coordinator/aggregators/row_clip.h"
#include "coordinator/server_optimizers/adaptive.h"
#include "coordinator/server_optimizers/sgd.h"

namespace rondo::coordinator {
namespace {

struct AggregatorPart {
  const char* name;
  Visibility visibility;
  std::unique_ptr<Aggregator> (*make)();
};

struct OptimizerPart {
  const char* name;
  std::unique_ptr<ServerOptimizer> (*make)(const StrategyConfig&);
};

struct ObjectivePart {
  const char* name;
  bool proximal;
};

// All parts there are. A new one is a file and a line here.
constexpr AggregatorPart kAggregators[] = {{"mean", Visibility::kSumOnly, &NewMeanAggregator}};
constexpr OptimizerPart kOptimizers[] = {{"sgd", &NewSgdOptimizer},
                                         {"adam", &NewAdamOptimizer},
                                         {"yogi", &NewYogiOptimizer},
                                         {"adagrad", &NewAdagradOptimizer}};
constexpr ObjectivePart kObjectives[] = {{"plain", false}, {"proximal", true}};

Failure Unknown(const std::string& key,
                const std::string& word,
                const std::vector<std::string>& known) {
  return Fail(
      ErrorCode::kInvalidArgument,
      key + ": unknown \"" + word + "\"" + DidYouMean(word, known) + "; use " + JoinChoices(known));
}

template <typename Part>
Result<const Part*> FindPart(std::span<const Part> parts,
                             const std::string& key,
                             const std::string& name) {
  std::vector<std::string> known;
  for (const Part& part : parts) {
    if (part.name == name) {
      return &part;
    }
    known.emplace_back(part.name);
  }
  return Unknown(key, name, known);
}

class ComposedStrategy : public Strategy {
 public:
  ComposedStrategy(const Scenario& scenario,
                   const AggregatorPart& aggregator,
                   const ObjectivePart& objective,
                   std::unique_ptr<ServerOptimizer> optimizer)
      : aggregator_(aggregator),
        optimizer_(std::move(optimizer)) {
    task_.seed = scenario.seed;
    task_.data_seed = scenario.data.seed;
    task_.client = scenario.client;
    task_.proximal_mu = objective.proximal ? scenario.strategy.proximal_mu : 0.0;
    task_.dropout = scenario.model.dropout;
    task_.clip_norm = scenario.privacy.clip_norm;
    task_.weighting = scenario.strategy;
  }

  TrainTask PlanTraining(RoundId round, const GridSpec& grid) const override {
    TrainTask task = task_;
    task.round = round;
    task.grid = grid;
    return task;
  }

  std::unique_ptr<Aggregator> NewAggregator() const override {
    std::unique_ptr<Aggregator> aggregator = aggregator_.make();
    return task_.weighting.row_clip > 0.0
               ? NewRowClip(task_.weighting.row_clip, std::move(aggregator))
               : std::move(aggregator);
  }

  ServerOptimizer& optimizer() override { return *optimizer_; }

  Visibility visibility() const override {
    return task_.weighting.row_clip > 0.0 ? Visibility::kIndividual : aggregator_.visibility;
  }

 private:
  const AggregatorPart& aggregator_;
  std::unique_ptr<ServerOptimizer> optimizer_;
  TrainTask task_;
};

}  // namespace

Result<std::unique_ptr<Strategy>> Strategy::Create(const Scenario& scenario) {
  const StrategyConfig& config = scenario.strategy;
  const std::vector<std::string> presets = StrategyPresetNames();
  if (std::find(presets.begin(), presets.end(), config.name) == presets.end()) {
    return Unknown("strategy.name", config.name, presets);
  }
  RONDO_TRY(
      const AggregatorPart* aggregator,
      FindPart(
          std::span<const AggregatorPart>(kAggregators), "strategy.aggregator", config.aggregator));
  RONDO_TRY(const OptimizerPart* optimizer,
            FindPart(std::span<const OptimizerPart>(kOptimizers),
                     "strategy.server_optimizer",
                     config.server_optimizer));
  RONDO_TRY(
      const ObjectivePart* objective,
      FindPart(
          std::span<const ObjectivePart>(kObjectives), "strategy.objective", config.objective));
  return std::unique_ptr<Strategy>(std::make_unique<ComposedStrategy>(
      scenario, *aggregator, *objective, optimizer->make(config)));
}

}  // namespace rondo::coordinator
