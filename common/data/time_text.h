#pragma once

#include <optional>
#include <string_view>

namespace rondo {

/// Unix seconds of a time in a log, or nothing:
///
///   time := NUMBER | date [ ( "T" | " " ) clock [ zone ] ]       as in ISO 8601
///   date := YYYY "-" MM "-" DD        clock := HH ":" MM [ ":" SS [ "." digits ] ]
///   zone := "Z" | ( "+" | "-" ) HH [ [ ":" ] MM ]                without one: UTC
std::optional<double> ParseTime(std::string_view text);

}  // namespace rondo
