#include "common/config/presets.h"

namespace rondo {

std::span<const StrategyPreset> StrategyPresets() {
  static const std::vector<StrategyPreset> kPresets = {
      // McMahan et al. 2017, "Communication-efficient learning of deep networks from decentralized
      // data".
      {"fedavg", {}},
      // Li et al. 2020, "Federated optimization in heterogeneous networks".
      {"fedprox", {{"strategy.objective", "proximal"}, {"strategy.proximal_mu", "0.01"}}},
      // Hsu et al. 2019, "Measuring the effects of non-identical data distribution".
      {"fedavgm", {{"strategy.server_momentum", "0.9"}}},
      // Reddi et al. 2021, "Adaptive federated optimization".
      {"fedadam",
       {{"strategy.server_optimizer", "adam"},
        {"strategy.server_learning_rate", "1e-3"},
        {"strategy.beta1", "0.9"},
        {"strategy.beta2", "0.99"}}},
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
