#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "common/config/scenario.h"
#include "common/core/result.h"

namespace rondo {

/// The section `model` as one JSON object, as it stands in checkpoints and offers.
boost::json::object ModelConfigToJson(const ModelConfig& config);

/// Keys that are missing keep their built-in value.
/// Errors  kCorrupt for broken JSON, an unknown key, a wrong type or a value out of range.
Result<ModelConfig> ModelConfigFromJson(std::string_view text);

}  // namespace rondo
