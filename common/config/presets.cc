#include "common/config/presets.h"

namespace rondo {

std::span<const StrategyPreset> StrategyPresets() {
  static const std::vector<StrategyPreset> kPresets = {
      // McMahan et al. 2017, "Communication-efficient learning of deep networks from decentralized
      // data".
      {"fedavg", {}},
      // Li et al. 2020, "Federated optimization in heterogeneous networks".
      {"fedprox", {{"strategy.objective", "proximal"}, {"strategy.proximal_mu", "0.01"}}},
      // Wang et al. 2020, "Tackling the objective inconsistency problem".
      {"fednova", {{"strategy.objective", "normalised"}}},
      // Karimireddy et al. 2020, "SCAFFOLD: stochastic controlled averaging for federated
      // learning".
      {"scaffold", {{"strategy.objective", "control_variates"}}},
      // Acar et al. 2021, "Federated learning based on dynamic regularization".
      {"feddyn", {{"strategy.objective", "dynamic"}, {"strategy.dynamic_alpha", "0.01"}}},
      // Hsu et al. 2019, "Measuring the effects of non-identical data distribution".
      {"fedavgm", {{"strategy.server_momentum", "0.9"}}},
      // Reddi et al. 2021, "Adaptive federated optimization".
      {"fedadam",
       {{"strategy.server_optimizer", "adam"},
        {"strategy.server_learning_rate", "1e-3"},
        {"strategy.beta1", "0.9"},
        {"strategy.beta2", "0.99"}}},
      // The same source, its other two.
      {"fedyogi",
       {{"strategy.server_optimizer", "yogi"},
        {"strategy.server_learning_rate", "1e-3"},
        {"strategy.beta1", "0.9"},
        {"strategy.beta2", "0.99"},
        {"strategy.epsilon", "1e-3"}}},
      {"fedadagrad",
       {{"strategy.server_optimizer", "adagrad"},
        {"strategy.server_learning_rate", "1e-2"},
        {"strategy.beta1", "0"},
        {"strategy.epsilon", "1e-3"}}},
      // Nguyen et al. 2022, "Federated learning with buffered asynchronous aggregation".
      {"fedbuff", {{"strategy.buffer", "10"}}},
      // Robust rules with FedAvg's server step; their sources stand at the rules.
      {"median", {{"strategy.aggregator", "median"}}},
      {"trimmed_mean", {{"strategy.aggregator", "trimmed_mean"}}},
      {"krum", {{"strategy.aggregator", "krum"}}},
      {"multi_krum", {{"strategy.aggregator", "multi_krum"}}},
      {"bulyan", {{"strategy.aggregator", "bulyan"}}},
      {"geometric_median", {{"strategy.aggregator", "geometric_median"}}},
      {"centered_clipping", {{"strategy.aggregator", "centered_clipping"}}},
      {"mda", {{"strategy.aggregator", "mda"}}},
      {"meamed", {{"strategy.aggregator", "meamed"}}},
      {"norm_bounding", {{"strategy.aggregator", "norm_bounding"}}},
      {"row_median", {{"strategy.aggregator", "row_median"}}},
  };
  return kPresets;
}

std::vector<std::string> StrategyPresetNames() {
  std::vector<std::string> names;
  for (const StrategyPreset& preset : StrategyPresets()) {
    names.push_back(preset.name);
  }
  return names;
}

}  // namespace rondo
