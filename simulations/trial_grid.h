#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simulations/scenario_keys.h"

/// Settings to try: grids and seeded random draws over scenario keys.
namespace rondo::sim {

/// A key and the values to try, as TOML or bare words.
struct Axis {
  std::string key;
  std::vector<std::string> values;

  bool operator==(const Axis&) const = default;
};

/// axis := key "=" value { "," value }; commas inside brackets and quotes separate nothing.
/// Errors  kInvalidArgument for a missing key or value, or a value given twice.
Result<Axis> ParseAxis(std::string_view text);

/// Replaces each value "x0.3" by 0.3 times the value that `base` has for the key, so that one grid
/// fits strategies whose rates differ by orders of magnitude.
/// Errors  kInvalidArgument for an unknown key, or where the key holds no number.
Result<Axis> Anchored(Axis axis, const ScenarioKeys& base);

/// One point: a value of every axis, as sets.
using Settings = std::vector<std::string>;

/// All points, the last axis fastest; no axis gives one empty point.
std::vector<Settings> GridOf(const std::vector<Axis>& axes);

/// `count` different points of a list, drawn with `seed`, in the order of the list; all of them if
/// there are no more.
std::vector<Settings> SampleOf(std::vector<Settings> points, std::size_t count, std::uint64_t seed);

/// A key to draw from: range := key "=" [ "log:" ] low ".." high, or the values of an axis.
struct DrawnKey {
  Axis choices;  ///< without values: a range
  double low = 0.0;
  double high = 0.0;
  bool logarithmic = false;
};

/// Errors  kInvalidArgument, also for a logarithmic range that does not begin above 0.
Result<DrawnKey> ParseDrawnKey(std::string_view text);

/// `count` independent points; draws of a key that holds an integer in `base` are integers, others
/// have three significant digits. Equal seeds give equal points, and fewer of them their beginning.
/// Errors  kInvalidArgument for an unknown key.
Result<std::vector<Settings>> DrawPoints(const std::vector<DrawnKey>& keys,
                                         const ScenarioKeys& base,
                                         std::size_t count,
                                         std::uint64_t seed);

/// "low" or "high" if the chosen value is the smallest or largest of at least two numbers tried.
std::string EdgeOf(const Axis& axis, const std::string& chosen);

}  // namespace rondo::sim
