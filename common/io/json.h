#pragma once

#include <string_view>

#include <boost/json/value.hpp>

#include "common/core/result.h"

namespace rondo {

/// Parses one JSON text strictly: valid UTF-8, no repeated key in an object, nothing after the
/// value. Errors  kCorrupt with what is wrong and at which byte.
Result<boost::json::value> ParseJson(std::string_view text, std::size_t max_depth = 32);

}  // namespace rondo
