#pragma once

#include <optional>
#include <string>

#include "common/config/binder.h"

namespace rondo {

/// A key or value as TOML.
std::string TomlKey(const std::string& key);
std::string TomlValue(const FieldTarget& target);

/// What is wrong with the value behind the field, or nothing.
std::optional<std::string> FieldFault(const Field& field);

}  // namespace rondo
