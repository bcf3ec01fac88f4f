#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rondo {

/// A finite number that fills the whole text, or nothing.
std::optional<double> ParseNumber(std::string_view text);

/// The shortest decimal that reads back as the same double; whole numbers have no point.
std::string FormatNumber(double value);

}  // namespace rondo
