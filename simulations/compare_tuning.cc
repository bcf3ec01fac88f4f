#include "simulations/compare_tuning.h"

#include <algorithm>

#include "simulations/trials.h"

namespace rondo::sim {
namespace {

/// The axes for one strategy: the common ones, with its own in their place.
Result<std::vector<Axis>> AxesOf(const ComparePlan& plan, const std::string& strategy) {
  std::vector<Axis> axes;
  std::vector<std::string> texts = plan.tuning.grid;
  if (const auto own = plan.tuning.grids.find(strategy); own != plan.tuning.grids.end()) {
    texts.insert(texts.end(), own->second.begin(), own->second.end());
  }
  RONDO_TRY(const std::vector<std::string> sets, plan.SetsOf(strategy));
  RONDO_TRY(
      const Scenario scenario,
      LoadScenario({.file = plan.scenario, .environment = ConfigEnvironment(), .sets = sets}));
  const ScenarioKeys base = KeysOf(scenario);
  for (const std::string& text : texts) {
    RONDO_TRY(Axis parsed, ParseAxis(text));
    RONDO_TRY(Axis axis, Anchored(std::move(parsed), base));
    const auto same = std::find_if(
        axes.begin(), axes.end(), [&](const Axis& other) { return other.key == axis.key; });
    if (same != axes.end()) {
      *same = std::move(axis);
    } else {
      axes.push_back(std::move(axis));
    }
  }
  return axes;
}

/// The best trial; of equal ones the first.
Status Choose(TunedStrategy& strategy) {
  const auto best = std::max_element(
      strategy.trials.begin(), strategy.trials.end(), [](const TunedTrial& a, const TunedTrial& b) {
        return a.validation.value_or(-1.0) < b.validation.value_or(-1.0);
      });
  if (!best->validation) {
    return Fail(ErrorCode::kFailedPrecondition,
                "no trial of '" + strategy.name
                    + "' gave a validation NDCG@10: they diverged or had none; lower the learning "
                      "rates of its grid, or look at evaluation.every");
  }
  strategy.chosen = static_cast<std::size_t>(best - strategy.trials.begin());
  for (std::size_t i = 0; i < strategy.axes.size(); ++i) {
    const std::string& set = best->settings[i];
    const Axis& axis = strategy.axes[i];
    const std::string value = set.substr(axis.key.size() + 1);
    if (const std::string edge = EdgeOf(axis, value); !edge.empty()) {
      strategy.edges.push_back(axis.key + " = " + value + " (" + edge + ")");
    }
  }
  return Ok();
}

}  // namespace

Result<std::vector<TunedStrategy>> PlanTuning(const ComparePlan& plan) {
  std::vector<TunedStrategy> strategies;
  std::string counts;
  bool equal = true;
  const auto wanted = static_cast<std::size_t>(plan.tuning.trials);
  for (const std::string& name : plan.strategies) {
    TunedStrategy strategy{.name = name};
    RONDO_TRY(strategy.axes, AxesOf(plan, name));
    std::vector<Settings> points = GridOf(strategy.axes);
    if (points.size() < wanted) {
      return Fail(ErrorCode::kInvalidArgument,
                  "tuning.trials is " + std::to_string(wanted) + ", but the grid of '" + name
                      + "' has " + std::to_string(points.size()) + " points");
    }
    if (wanted > 0) {
      points = SampleOf(std::move(points), wanted, plan.tuning.seed);
    }
    for (Settings& point : points) {
      strategy.trials.push_back({.settings = std::move(point)});
    }
    counts += (counts.empty() ? "" : ", ") + name + " " + std::to_string(strategy.trials.size());
    equal =
        equal && (strategies.empty() || strategies.front().trials.size() == strategy.trials.size());
    strategies.push_back(std::move(strategy));
  }
  if (!equal) {
    return Fail(ErrorCode::kInvalidArgument,
                "the strategies would get unequal numbers of trials (" + counts
                    + "); make their grids equally large, or set tuning.trials to draw as many "
                      "from each");
  }
  return strategies;
}

Result<Tuning> Tune(const ComparePlan& plan, const CompareRuns& runs) {
  Tuning tuning{.kind = Tuning::Kind::kTuned};
  RONDO_TRY(tuning.strategies, PlanTuning(plan));
  std::vector<Trial> trials;
  for (const TunedStrategy& strategy : tuning.strategies) {
    RONDO_TRY(const std::vector<std::string> base, plan.SetsOf(strategy.name));
    for (const TunedTrial& tried : strategy.trials) {
      Trial trial{
          .name = strategy.name + "/" + NameOf(tried.settings), .sets = base, .test = false};
      trial.sets.push_back("seed=" + std::to_string(plan.tuning.seed));
      if (plan.tuning.rounds > 0) {
        trial.sets.push_back("strategy.rounds=" + std::to_string(plan.tuning.rounds));
      }
      trial.sets.insert(trial.sets.end(), tried.settings.begin(), tried.settings.end());
      trials.push_back(std::move(trial));
    }
  }
  RONDO_TRY(const std::vector<TrialOutcome> outcomes,
            RunTrials({.scenario = plan.scenario,
                       .root = runs.root / "tuning",
                       .jobs = runs.jobs,
                       .what = "trial",
                       .stop = runs.stop},
                      trials));
  auto outcome = outcomes.begin();
  for (TunedStrategy& strategy : tuning.strategies) {
    for (TunedTrial& trial : strategy.trials) {
      trial.validation = outcome->validation;
      trial.diverged = outcome->diverged;
      ++outcome;
    }
    RONDO_TRY_STATUS(Choose(strategy));
  }
  return tuning;
}

}  // namespace rondo::sim
