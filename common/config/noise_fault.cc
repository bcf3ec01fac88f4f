#include <string>

#include "common/config/validate.h"

namespace rondo {
namespace {

using Fault = std::optional<ScenarioFault>;

/// Keys that mean nothing without noise.
Fault IdleFault(const PrivacyConfig& privacy) {
  const PrivacyConfig defaults;
  const char* const idle = privacy.target_epsilon > 0.0            ? "privacy.target_epsilon"
                           : privacy.unit != defaults.unit         ? "privacy.unit"
                           : privacy.sampling != defaults.sampling ? "privacy.sampling"
                           : privacy.clip_quantile > 0.0           ? "privacy.clip_quantile"
                                                                   : nullptr;
  return idle == nullptr ? std::nullopt
                         : Fault({idle, "needs noise; set privacy.noise_multiplier above 0"});
}

/// How much one client can move the sum must be known, and no more than the clip norm.
Fault SensitivityFault(const Scenario& scenario) {
  const StrategyConfig& strategy = scenario.strategy;
  if (scenario.privacy.clip_norm <= 0.0) {
    return ScenarioFault{"privacy.clip_norm",
                         "noise is measured by it, and it is 0; set the largest L2 norm of an "
                         "update, such as 1.0"};
  }
  if (strategy.weighting != "uniform") {
    return ScenarioFault{"strategy.weighting",
                         "weights tell how much a client holds, and multiply what it can move; "
                         "privacy.noise_multiplier needs \"uniform\""};
  }
  if (strategy.cohort <= 0) {
    return ScenarioFault{"strategy.cohort",
                         "noisy sums are divided by a fixed number, not by how many answered; "
                         "privacy.noise_multiplier needs a cohort"};
  }
  if (strategy.aggregator != "mean" || !strategy.pre.empty() || strategy.row_clip > 0.0
      || strategy.row_contributors > 0) {
    return ScenarioFault{"strategy.aggregator",
                         "how far one client moves a robust rule or a row defence is not known, so "
                         "no noise can be measured by it; privacy.noise_multiplier needs \"mean\" "
                         "alone",
                         ErrorCode::kUnsupported};
  }
  if (strategy.objective != "plain" && strategy.objective != "proximal") {
    return ScenarioFault{"strategy.objective",
                         "\"" + strategy.objective
                             + "\" sends more than clipped deltas, or goes on from how many "
                               "answered; privacy.noise_multiplier needs \"plain\" or "
                               "\"proximal\"",
                         ErrorCode::kUnsupported};
  }
  if (!scenario.compression.stages.empty()) {
    return ScenarioFault{"compression.stages",
                         "they change the norm of a clipped delta; leave them out where "
                         "privacy.noise_multiplier is above 0",
                         ErrorCode::kUnsupported};
  }
  return std::nullopt;
}

Fault RoundsFault(const Scenario& scenario) {
  const StrategyConfig& strategy = scenario.strategy;
  const PrivacyConfig& privacy = scenario.privacy;
  if (strategy.buffer > 0) {
    return ScenarioFault{"strategy.buffer",
                         "updates to older models have weights and rounds of their own, which the "
                         "ledger cannot count; privacy.noise_multiplier needs synchronous rounds",
                         ErrorCode::kUnsupported};
  }
  if (scenario.evaluation.patience > 0) {
    return ScenarioFault{"evaluation.patience",
                         "to stop by validation tells about clients without noise; set it to 0 "
                         "where privacy.noise_multiplier is above 0"};
  }
  if (privacy.sampling == "poisson" && privacy.mode == "masked") {
    return ScenarioFault{"privacy.sampling",
                         "under masks the coordinator and all clients know who takes part, so "
                         "sampling hides nobody; use \"fixed\"",
                         ErrorCode::kUnsupported};
  }
  if (privacy.sampling == "poisson" && strategy.over_selection > 1.0) {
    return ScenarioFault{"strategy.over_selection",
                         "who answers first is no random sample; set it to 1 where "
                         "privacy.sampling is \"poisson\""};
  }
  if (privacy.unit == "user" && scenario.data.clients != "user") {
    return ScenarioFault{"privacy.unit",
                         "the clients of data.clients = \"" + scenario.data.clients
                             + "\" hold many users, whose updates are not clipped one by one yet; "
                               "use \"client\", or data.clients = \"user\"",
                         ErrorCode::kUnsupported};
  }
  return std::nullopt;
}

Fault AdaptiveFault(const PrivacyConfig& privacy, const StrategyConfig& strategy) {
  if (privacy.clip_quantile <= 0.0) {
    return std::nullopt;
  }
  if (privacy.mode == "masked") {
    return ScenarioFault{"privacy.clip_quantile",
                         "clients under masks add no noise to the count of unclipped updates yet; "
                         "set it to 0",
                         ErrorCode::kUnsupported};
  }
  // The count gets noise of a twentieth of the cohort; see coordinator/private_rounds.h.
  if (10.0 * privacy.noise_multiplier >= strategy.cohort) {
    return ScenarioFault{"privacy.clip_quantile",
                         "the count of unclipped updates would cost more than a noise multiplier "
                         "of "
                             + std::to_string(privacy.noise_multiplier)
                             + " allows; lower it below a tenth of strategy.cohort, or set "
                               "clip_quantile to 0"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<ScenarioFault> FindNoiseFault(const Scenario& scenario) {
  if (scenario.privacy.noise_multiplier <= 0.0) {
    return IdleFault(scenario.privacy);
  }
  if (Fault fault = SensitivityFault(scenario)) {
    return fault;
  }
  if (Fault fault = RoundsFault(scenario)) {
    return fault;
  }
  return AdaptiveFault(scenario.privacy, scenario.strategy);
}

}  // namespace rondo
