#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "common/core/result.h"

namespace rondo {

/// Parses one JSON text strictly: valid UTF-8, no repeated key in an object, nothing after the
/// value. Errors  kCorrupt with what is wrong and at which byte.
Result<boost::json::value> ParseJson(std::string_view text, std::size_t max_depth = 32);

/// A number, or null for NaN and infinities, which JSON lacks.
boost::json::value NumberOrNull(double value);

/// On one line. Numbers as short as they read back the same; NaN and infinities as null.
std::string CompactJson(const boost::json::value& value);

/// The same, indented by two spaces, one key a line, short lists on one line; ends with a newline.
std::string PrettyJson(const boost::json::value& value);

}  // namespace rondo
