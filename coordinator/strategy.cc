#include "coordinator/strategy.h"

#include <algorithm>
#include <span>
#include <utility>

#include "common/config/presets.h"
#include "common/config/validate.h"
#include "common/core/suggest.h"
#include "common/core/workers.h"
#include "common/federated/train_task.h"
#include "coordinator/aggregators/expanded.h"
#include "coordinator/aggregators/mean.h"
#include "coordinator/aggregators/normalised.h"
#include "coordinator/aggregators/row_clip.h"
#include "coordinator/aggregators/row_contributors.h"
#include "coordinator/aggregators/rules.h"
#include "coordinator/aggregators/single_updates.h"
#include "coordinator/buffered_work.h"
#include "coordinator/objectives/control_variates.h"
#include "coordinator/objectives/dynamic.h"
#include "coordinator/objectives/with_objective.h"
#include "coordinator/server_optimizers/adaptive.h"
#include "coordinator/server_optimizers/sgd.h"

namespace rondo::coordinator {
namespace {

struct OptimizerPart {
  const char* name;
  std::unique_ptr<ServerOptimizer> (*make)(const StrategyConfig&);
};

/// The server's half of an objective that has state; what clients do stands in train_task.cc.
struct ObjectivePart {
  const char* name;
  std::unique_ptr<Objective> (*make)();
};

// All parts there are beside the aggregators' rules. A new one is a file and a line here.
constexpr OptimizerPart kOptimizers[] = {{"sgd", &NewSgdOptimizer},
                                         {"adam", &NewAdamOptimizer},
                                         {"yogi", &NewYogiOptimizer},
                                         {"adagrad", &NewAdagradOptimizer}};
constexpr ObjectivePart kObjectives[] = {{"control_variates", &NewControlVariates},
                                         {"dynamic", &NewDynamic}};

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

/// The one aggregator that a sum is enough for.
bool IsPlainMean(const StrategyConfig& config) {
  return config.aggregator == "mean" && config.pre.empty();
}

Visibility VisibilityOf(const StrategyConfig& config) {
  const bool looks = !IsPlainMean(config) || config.row_clip > 0.0 || config.row_contributors > 0;
  return looks ? Visibility::kIndividual : Visibility::kSumOnly;
}

/// Masks hide single updates.
Status CheckMode(const Scenario& scenario) {
  const StrategyConfig& config = scenario.strategy;
  if (scenario.privacy.mode != "masked" || VisibilityOf(config) == Visibility::kSumOnly) {
    return Ok();
  }
  const std::string part = config.aggregator != "mean" ? "aggregator: \"" + config.aggregator + '"'
                           : config.row_clip > 0.0     ? "row_clip"
                           : config.row_contributors > 0 ? "row_contributors"
                                                         : "pre: \"" + config.pre.front() + '"';
  return Fail(ErrorCode::kUnsupported,
              "strategy." + part
                  + " looks at single updates, which privacy.mode \"masked\" hides; use the "
                    "aggregator \"mean\" alone or privacy.mode = \"channel\"");
}

/// Objectives with a server half go on from what earlier rounds gave, which rules of this round do
/// not guard.
Status CheckObjective(const StrategyConfig& config) {
  if (config.objective == "dynamic" && config.row_contributors > 0) {
    return Fail(
        ErrorCode::kUnsupported,
        "strategy.row_contributors: the objective \"dynamic\" moves every row by the drift of "
        "earlier rounds, whoever contributes; set it to 0, or use another objective");
  }
  if (config.objective != "control_variates" || VisibilityOf(config) == Visibility::kSumOnly) {
    return Ok();
  }
  return Fail(ErrorCode::kUnsupported,
              "strategy.objective: control variates are summed over clients, which the rule \""
                  + config.aggregator
                  + "\" and row defences do not guard; use the aggregator \"mean\" alone, or "
                    "another objective");
}

/// Which rules can work with compressed updates.
Status CheckCompressed(const Scenario& scenario) {
  const StrategyConfig& config = scenario.strategy;
  if (HasStage(scenario.compression, "top_k") && VisibilityOf(config) == Visibility::kIndividual) {
    return Fail(ErrorCode::kUnsupported,
                "compression.stages: \"top_k\" leaves most numbers of an update out, which the "
                "aggregator \"" + config.aggregator
                    + "\" and row defences would take for zeros; use the aggregator \"mean\" alone, or "
                      "\"quantise\"");
  }
  const bool bounds_norms = config.row_clip > 0.0 || config.aggregator == "norm_bounding"
                            || config.aggregator == "centered_clipping";
  if (HasStage(scenario.compression, "low_rank") && bounds_norms) {
    return Fail(
        ErrorCode::kUnsupported,
        "compression.stages: \"low_rank\" is turned back after the rule, by which norms grow "
        "beyond strategy.row_clip and strategy.tau; use \"quantise\", or a rule without a "
        "bound");
  }
  return Ok();
}

/// Can rule and row defence work with so many updates?
Status CheckUpdates(const StrategyConfig& config, std::size_t updates, const std::string& who) {
  RONDO_TRY_STATUS(CheckRule(config, updates, who));
  if (static_cast<std::size_t>(config.row_contributors) > updates) {
    return Fail(ErrorCode::kInvalidArgument,
                "strategy.row_contributors: no row would ever move from "
                    + std::to_string(config.row_contributors) + " contributors on, since " + who
                    + " " + std::to_string(updates) + "; lower it or take more clients a round");
  }
  return Ok();
}

/// Null if the objective needs none.
std::unique_ptr<Objective> MakeObjective(const std::string& name) {
  for (const ObjectivePart& part : kObjectives) {
    if (part.name == name) {
      return part.make();
    }
  }
  return nullptr;
}

class ComposedStrategy : public Strategy {
 public:
  ComposedStrategy(const Scenario& scenario,
                   TrainTask task,
                   std::unique_ptr<ServerOptimizer> optimizer)
      : objective_(MakeObjective(scenario.strategy.objective)),
        optimizer_(objective_ != nullptr ? NewWithObjective(std::move(optimizer), *objective_)
                                         : std::move(optimizer)),
        threads_(scenario.engine.threads > 0 ? scenario.engine.threads : UsableCores()),
        task_(std::move(task)) {}

  TrainTask PlanTraining(RoundId round, const GridSpec& grid) const override {
    TrainTask task = task_;
    task.round = round;
    task.grid = grid;
    return task;
  }

  std::unique_ptr<Aggregator> NewAggregator(const AggregationRound& round) const override {
    const StrategyConfig& config = task_.weighting;
    std::unique_ptr<Aggregator> aggregator =
        IsPlainMean(config)
            ? NewMeanAggregator()
            : NewSingleUpdates(
                {.config = config, .seed = task_.seed, .round = round.round, .threads = threads_});
    if (config.row_clip > 0.0) {
      aggregator = NewRowClip(config.row_clip, std::move(aggregator));
    }
    if (config.row_contributors > 0) {
      aggregator = NewRowContributors(config.row_contributors, std::move(aggregator));
    }
    if (task_.normalise) {
      aggregator = NewNormalised(std::move(aggregator));
    }
    TrainTask task = task_;
    task.round = round.round;
    aggregator = NewExpanded(std::move(task), round.model, std::move(aggregator));
    return objective_ != nullptr ? objective_->Wrap(round, std::move(aggregator))
                                 : std::move(aggregator);
  }

  std::vector<NamedVector> Extra(const ParameterVector& model,
                                 std::size_t population) const override {
    return objective_ != nullptr ? objective_->Extra(model, population)
                                 : std::vector<NamedVector>();
  }

  ServerOptimizer& optimizer() override { return *optimizer_; }

  Visibility visibility() const override { return VisibilityOf(task_.weighting); }

 private:
  std::unique_ptr<Objective> objective_;  ///< null: its clients' objective needs no server half
  std::unique_ptr<ServerOptimizer> optimizer_;
  int threads_;
  TrainTask task_;
};

}  // namespace

Result<std::unique_ptr<Strategy>> Strategy::Create(const Scenario& scenario) {
  const StrategyConfig& config = scenario.strategy;
  const std::vector<std::string> presets = StrategyPresetNames();
  if (std::find(presets.begin(), presets.end(), config.name) == presets.end()) {
    return Unknown("strategy.name", config.name, presets);
  }
  RONDO_TRY_STATUS(CheckParts(config));
  RONDO_TRY_STATUS(CheckMode(scenario));
  RONDO_TRY_STATUS(CheckBuffered(scenario));
  RONDO_TRY_STATUS(CheckObjective(config));
  RONDO_TRY_STATUS(CheckCompressed(scenario));
  if (config.buffer > 0) {
    RONDO_TRY_STATUS(
        CheckUpdates(config, static_cast<std::size_t>(config.buffer), "the buffer has"));
  } else if (config.cohort > 0) {
    RONDO_TRY_STATUS(
        CheckUpdates(config, static_cast<std::size_t>(config.cohort), "the cohort has"));
  }
  RONDO_TRY(const OptimizerPart* optimizer,
            FindPart(std::span<const OptimizerPart>(kOptimizers),
                     "strategy.server_optimizer",
                     config.server_optimizer));
  RONDO_TRY(TrainTask task, TrainTaskOf(scenario));
  return std::unique_ptr<Strategy>(
      std::make_unique<ComposedStrategy>(scenario, std::move(task), optimizer->make(config)));
}

Status Strategy::CheckClients(const StrategyConfig& config,
                              std::size_t clients,
                              const std::string& who) {
  if (config.buffer > 0) {
    // Nobody contributes twice to a round.
    return static_cast<std::size_t>(config.buffer) <= clients
               ? Ok()
               : Fail(ErrorCode::kInvalidArgument,
                      "strategy.buffer is " + std::to_string(config.buffer) + ", but " + who + " "
                          + std::to_string(clients) + "; lower it");
  }
  const auto cohort = static_cast<std::size_t>(config.cohort);
  return cohort > 0 && cohort < clients ? CheckUpdates(config, cohort, "the cohort has")
                                        : CheckUpdates(config, clients, who);
}

}  // namespace rondo::coordinator
