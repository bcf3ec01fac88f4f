#include "common/config/validate.h"

#include <algorithm>

#include "common/config/clients_rule.h"
#include "common/core/suggest.h"

namespace rondo {
namespace {

using Fault = std::optional<ScenarioFault>;

constexpr double kMostHeldOut = 0.95;

Fault DataFault(const DataConfig& data) {
  if (data.validation_ratio < 0.0 || data.test_ratio < 0.0
      || data.validation_ratio + data.test_ratio > kMostHeldOut) {
    return ScenarioFault{"data.test_ratio",
                         "validation_ratio and test_ratio must not be negative and must leave at "
                         "least 5 % for training"};
  }
  if ((data.validation_from > 0) != (data.test_from > 0)) {
    return ScenarioFault{data.validation_from > 0 ? "data.validation_from" : "data.test_from",
                         "validation_from and test_from must be given together"};
  }
  if (data.validation_from > data.test_from) {
    return ScenarioFault{"data.validation_from", "must not be later than test_from"};
  }
  if (data.order == "none" && data.split == "global_time") {
    return ScenarioFault{"data.split", "global_time needs times, but data.order is 'none'"};
  }
  static const std::vector<std::string> kColumns = {"user", "item", "rating", "time", "event"};
  for (const auto& [column, header] : data.columns) {
    bool known = false;
    for (const std::string& name : kColumns) {
      known = known || name == column;
    }
    if (!known) {
      return ScenarioFault{"data.columns",
                           "unknown column '" + column + "'; expected " + JoinChoices(kColumns)
                               + DidYouMean(column, kColumns)};
    }
    if (header.empty()) {
      return ScenarioFault{"data.columns", "the header of column '" + column + "' is empty"};
    }
  }
  const Result<ClientsRule> rule = ParseClientsRule(data.clients);
  return rule ? std::nullopt : Fault({"data.clients", rule.error().message});
}

bool HasForm(const ModelConfig& model, std::string_view form) {
  return std::find(model.forms.begin(), model.forms.end(), form) != model.forms.end();
}

/// What the encoder and the forms of attention need of each other, of the data and of the loss.
Fault EncoderFault(const ModelConfig& model, const DataConfig& data, const std::string& loss) {
  const bool attends = model.encoder == "self_attention"
                       || (model.encoder == "target_attention" && model.blocks > 1);
  if (!model.forms.empty() && !attends) {
    return ScenarioFault{"model.forms",
                         "change self-attention, and model.encoder = \"" + model.encoder
                             + "\" with model.blocks = " + std::to_string(model.blocks)
                             + " has none; leave them out"};
  }
  for (const std::string& form : model.forms) {
    if (std::count(model.forms.begin(), model.forms.end(), form) > 1) {
      return ScenarioFault{"model.forms", "\"" + form + "\" is named twice"};
    }
    if ((form == "window" || form == "relative") && data.order == "none") {
      return ScenarioFault{
          "model.forms",
          "\"" + form + "\" needs an order of events, but data.order is 'none'; leave it out"};
    }
  }
  if (HasForm(model, "window") && model.window >= model.history) {
    return ScenarioFault{"model.window",
                         std::to_string(model.window) + " events are all of model.history = "
                             + std::to_string(model.history) + "; lower it, or leave the form out"};
  }
  if (model.encoder == "gru" && data.order == "none") {
    return ScenarioFault{"model.encoder", "gru needs an order of events, but data.order is 'none'"};
  }
  if (model.encoder == "target_attention" && loss == "softmax") {
    return ScenarioFault{"client.loss",
                         "softmax would take every item through target_attention at every "
                         "position; use sampled_softmax, bce, bpr or gbce"};
  }
  return std::nullopt;
}

Fault ModelFault(const ModelConfig& model, const DataConfig& data) {
  if (model.width % model.heads != 0) {
    return ScenarioFault{"model.heads",
                         std::to_string(model.heads) + " heads do not divide the width "
                             + std::to_string(model.width)};
  }
  if (model.attention.empty()) {
    return ScenarioFault{"model.attention", "the list is empty; name at least one kind"};
  }
  if (model.blocks > 0 && model.attention.size() > static_cast<std::size_t>(model.blocks)) {
    return ScenarioFault{"model.attention",
                         std::to_string(model.attention.size()) + " kinds for "
                             + std::to_string(model.blocks) + " blocks"};
  }
  if (data.order == "none" && (model.positions || model.causal)) {
    return ScenarioFault{model.positions ? "model.positions" : "model.causal",
                         "must be false where data.order is 'none'"};
  }
  if (!model.causal && data.order != "none") {
    return ScenarioFault{"model.causal",
                         "must be true where events have an order: without the mask a position "
                         "would see the item that it is to predict"};
  }
  return std::nullopt;
}

Fault StrategyFault(const StrategyConfig& strategy, const ClientConfig& client) {
  if (client.steps == 0 && client.epochs == 0) {
    return ScenarioFault{"client.epochs", "epochs and steps are both 0, so no client would train"};
  }
  if (strategy.cohort > 0 && strategy.quorum > strategy.cohort) {
    return ScenarioFault{"strategy.quorum",
                         "a quorum of " + std::to_string(strategy.quorum)
                             + " is larger than the cohort of " + std::to_string(strategy.cohort)};
  }
  if (strategy.objective != "proximal" && strategy.proximal_mu > 0) {
    return ScenarioFault{"strategy.proximal_mu", "needs strategy.objective = \"proximal\""};
  }
  if ((strategy.objective == "dynamic") != (strategy.dynamic_alpha > 0)) {
    return ScenarioFault{"strategy.dynamic_alpha",
                         strategy.objective == "dynamic"
                             ? "is 0, which is FedAvg; strategy.objective = \"dynamic\" needs it"
                             : "needs strategy.objective = \"dynamic\""};
  }
  if (strategy.server_optimizer != "sgd" && strategy.server_momentum > 0) {
    return ScenarioFault{
        "strategy.server_momentum",
        "belongs to the server optimizer sgd; " + strategy.server_optimizer + " has beta1"};
  }
  if (strategy.warmup >= strategy.rounds && strategy.warmup > 0) {
    return ScenarioFault{"strategy.warmup",
                         std::to_string(strategy.warmup) + " rounds of "
                             + std::to_string(strategy.rounds) + " leave none at the full rate"};
  }
  return std::nullopt;
}

/// What a client makes of its delta besides summing it.
Fault ObjectiveFault(const Scenario& scenario) {
  const StrategyConfig& strategy = scenario.strategy;
  if (strategy.objective == "control_variates" && scenario.client.optimizer != "sgd") {
    return ScenarioFault{"client.optimizer",
                         "the objective \"control_variates\" reads gradients off the deltas of "
                         "sgd; set it, or use another strategy.objective"};
  }
  if (strategy.objective == "control_variates" && scenario.privacy.clip_norm > 0) {
    return ScenarioFault{
        "privacy.clip_norm",
        "a clipped delta no longer tells the gradients that the objective "
        "\"control_variates\" reads off it; set it to 0, or use another objective"};
  }
  return std::nullopt;
}

Fault CompressionFault(const CompressionConfig& compression, const PrivacyConfig& privacy) {
  if (Fault fault = FindCompressionFault(compression)) {
    return fault;
  }
  const bool packs = HasStage(compression, "top_k") || HasStage(compression, "quantise");
  if (packs && (privacy.grid == "ring" || privacy.mode == "masked")) {
    return ScenarioFault{"compression.stages",
                         "masked numbers on a ring have one length each, and none may be left out "
                         "by the client's choice; use \"low_rank\", which is linear, or "
                         "privacy.grid = \"exact\"",
                         ErrorCode::kUnsupported};
  }
  if (packs && privacy.clip_norm > 0) {
    return ScenarioFault{"privacy.clip_norm",
                         "\"top_k\" and \"quantise\" come after the clip and may make an update "
                         "longer than it; set it to 0, or leave them out of compression.stages",
                         ErrorCode::kUnsupported};
  }
  return std::nullopt;
}

Fault AttackFault(const AttackConfig& attack) {
  if ((attack.name == "none") != (attack.share == 0.0)) {
    return ScenarioFault{"attack.share",
                         attack.name == "none" ? "is above 0, but attack.name is \"none\""
                                               : "is 0, so nobody would attack"};
  }
  return std::nullopt;
}

Fault DevicesFault(const DevicesConfig& devices) {
  if (devices.available < 1.0 && !devices.virtual_clock) {
    return ScenarioFault{"devices.available",
                         "is below 1, but hours pass with devices.virtual_clock = true alone"};
  }
  return std::nullopt;
}

/// A round of so few clients is never summed.
Fault MaskedFault(const Scenario& scenario) {
  const int least = scenario.privacy.min_clients;
  const int cohort = scenario.strategy.cohort;
  if (scenario.privacy.mode == "masked" && cohort > 0 && cohort < least) {
    return ScenarioFault{"strategy.cohort",
                         "is " + std::to_string(cohort) + ", but under masks a sum of fewer than "
                             + std::to_string(least)
                             + " clients is never opened (privacy.min_clients), since it would say "
                               "too much about each; raise it, or take privacy.mode = \"channel\" "
                               "with a coordinator that clients trust"};
  }
  return std::nullopt;
}

Fault EvaluationFault(const EvaluationConfig& evaluation, const DataConfig& data) {
  const auto& baselines = evaluation.baselines;
  if (data.order == "none"
      && std::find(baselines.begin(), baselines.end(), "markov1") != baselines.end()) {
    return ScenarioFault{"evaluation.baselines",
                         "markov1 needs an order of events, but data.order is 'none'; name others "
                         "such as popularity and item_knn"};
  }
  if (evaluation.k.empty()) {
    return ScenarioFault{"evaluation.k", "the list is empty; name at least one k such as 10"};
  }
  if (evaluation.protocols.empty()) {
    return ScenarioFault{"evaluation.protocols", "the list is empty; name at least \"full\""};
  }
  constexpr std::string_view kSampled = "sampled:";
  for (const std::string& protocol : evaluation.protocols) {
    if (protocol == "full") {
      continue;
    }
    const bool sampled = protocol.rfind(kSampled, 0) == 0;
    const std::string count = sampled ? protocol.substr(kSampled.size()) : "";
    const bool digits = !count.empty() && count.size() <= 7
                        && count.find_first_not_of("0123456789") == std::string::npos;
    if (!digits || count.find_first_not_of('0') == std::string::npos) {
      return ScenarioFault{"evaluation.protocols",
                           "expected full or sampled:N such as sampled:99, got '" + protocol + "'"};
    }
  }
  return std::nullopt;
}

}  // namespace

bool HasStage(const CompressionConfig& config, std::string_view stage) {
  return std::find(config.stages.begin(), config.stages.end(), stage) != config.stages.end();
}

std::optional<ScenarioFault> FindCompressionFault(const CompressionConfig& config) {
  for (const std::string& stage : config.stages) {
    if (std::count(config.stages.begin(), config.stages.end(), stage) > 1) {
      return ScenarioFault{"compression.stages", "\"" + stage + "\" is named twice"};
    }
  }
  if (HasStage(config, "low_rank") && HasStage(config, "top_k")) {
    return ScenarioFault{"compression.stages",
                         "\"top_k\" keeps what it did not send for later rounds, but \"low_rank\" "
                         "draws new columns every round; name one of them"};
  }
  return std::nullopt;
}

Status CheckDataConfig(const DataConfig& data) {
  if (const Fault fault = DataFault(data)) {
    return Fail(fault->code, fault->key + ": " + fault->message);
  }
  return Ok();
}

std::optional<ScenarioFault> FindScenarioFault(const Scenario& scenario) {
  const Fault faults[] = {
      MaskedFault(scenario),
      FindNoiseFault(scenario),
      DataFault(scenario.data),
      ModelFault(scenario.model, scenario.data),
      EncoderFault(scenario.model, scenario.data, scenario.client.loss),
      StrategyFault(scenario.strategy, scenario.client),
      ObjectiveFault(scenario),
      CompressionFault(scenario.compression, scenario.privacy),
      AttackFault(scenario.attack),
      DevicesFault(scenario.devices),
      EvaluationFault(scenario.evaluation, scenario.data),
  };
  for (const Fault& fault : faults) {
    if (fault) {
      return fault;
    }
  }
  if (scenario.name.empty() || scenario.name.find_first_of("/\\\n\r\t") != std::string::npos
      || scenario.name.front() == '.' || scenario.name.size() > 128) {
    return ScenarioFault{
        "name",
        "expected a name of at most 128 bytes that can be part of a folder name, got '"
            + scenario.name + "'"};
  }
  return std::nullopt;
}

}  // namespace rondo
