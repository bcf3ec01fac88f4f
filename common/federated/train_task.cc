#include "common/federated/train_task.h"

#include <string>
#include <vector>

#include "common/core/suggest.h"

namespace rondo {
namespace {

struct Objective {
  const char* name;
  void (*ask)(const StrategyConfig&, TrainTask&);
};

// What clients do for each objective; a server half, where there is one, stands in
// coordinator/objectives.
constexpr Objective kObjectives[] = {{"plain",
                                      [](const StrategyConfig&, TrainTask&) {
                                      }},
                                     {"proximal",
                                      [](const StrategyConfig& c, TrainTask& task) {
                                        task.proximal_mu = c.proximal_mu;
                                      }},
                                     {"normalised",
                                      [](const StrategyConfig&, TrainTask& task) {
                                        task.normalise = true;
                                      }},
                                     {"control_variates",
                                      [](const StrategyConfig&, TrainTask& task) {
                                        task.control_variates = true;
                                      }},
                                     {"dynamic", [](const StrategyConfig& c, TrainTask& task) {
                                        task.dynamic_alpha = c.dynamic_alpha;
                                      }}};

}  // namespace

Result<TrainTask> TrainTaskOf(const Scenario& scenario) {
  TrainTask task;
  task.seed = scenario.seed;
  task.data_seed = scenario.data.seed;
  task.client = scenario.client;
  task.dropout = scenario.model.dropout;
  task.clip_norm = scenario.privacy.clip_norm;
  task.weighting = scenario.strategy;
  task.compression = scenario.compression;
  std::vector<std::string> known;
  for (const Objective& objective : kObjectives) {
    if (scenario.strategy.objective == objective.name) {
      objective.ask(scenario.strategy, task);
      return task;
    }
    known.emplace_back(objective.name);
  }
  return Fail(ErrorCode::kInvalidArgument,
              "strategy.objective: unknown \"" + scenario.strategy.objective + "\""
                  + DidYouMean(scenario.strategy.objective, known) + "; use " + JoinChoices(known));
}

}  // namespace rondo
