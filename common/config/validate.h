#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/config/scenario.h"

namespace rondo {

/// A combination of values that cannot work, and the key to blame.
struct ScenarioFault {
  std::string key;
  std::string message;
  ErrorCode code = ErrorCode::kInvalidArgument;
};

/// Whether `compression.stages` names a stage.
bool HasStage(const CompressionConfig& config, std::string_view stage);

/// Stages that cannot work together, whatever the scenario.
std::optional<ScenarioFault> FindCompressionFault(const CompressionConfig& config);

/// Finds what ranges of single keys do not: the first impossible combination, or nothing.
std::optional<ScenarioFault> FindScenarioFault(const Scenario& scenario);

/// What noise cannot be combined with; the part of FindScenarioFault about
/// privacy.noise_multiplier.
std::optional<ScenarioFault> FindNoiseFault(const Scenario& scenario);

/// The same for the section `data` alone, whatever it was read from.
Status CheckDataConfig(const DataConfig& data);

}  // namespace rondo
