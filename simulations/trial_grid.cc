#include "simulations/trial_grid.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "common/config/number_text.h"
#include "common/core/rng.h"
#include "common/core/suggest.h"

namespace rondo::sim {
namespace {

/// Splits at commas outside brackets and quotes.
std::vector<std::string> SplitValues(std::string_view text) {
  std::vector<std::string> values(1);
  int depth = 0;
  bool quoted = false;
  for (const char c : text) {
    quoted = c == '"' ? !quoted : quoted;
    depth += quoted ? 0 : (c == '[' || c == '{' ? 1 : 0) - (c == ']' || c == '}' ? 1 : 0);
    if (c == ',' && depth == 0 && !quoted) {
      values.emplace_back();
    } else if (c != ' ' || quoted) {
      values.back() += c;
    }
  }
  return values;
}

Failure Wrong(std::string_view text, const std::string& why) {
  return Fail(ErrorCode::kInvalidArgument, "'" + std::string(text) + "': " + why);
}

Status CheckKey(const std::string& key, const ScenarioKeys& base) {
  if (base.contains(key)) {
    return Ok();
  }
  std::vector<std::string> keys;
  for (const auto& [known, value] : base) {
    keys.push_back(known);
  }
  return Wrong(key, "is no key of a scenario" + DidYouMean(key, keys));
}

bool IsWhole(const std::string& value) {
  return value.find_first_not_of("0123456789-") == std::string::npos;
}

std::string ThreeDigits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return FormatNumber(ParseNumber(text).value_or(value));
}

std::string Draw(const DrawnKey& key, bool whole, Rng& rng) {
  if (!key.choices.values.empty()) {
    return key.choices.values[rng.Below(key.choices.values.size())];
  }
  const double share = rng.Uniform();
  // Integers take the whole width of the last one, too.
  const double high = whole ? key.high + 1.0 : key.high;
  const double value =
      key.logarithmic ? std::exp(std::log(key.low) + share * (std::log(high) - std::log(key.low)))
                      : key.low + share * (high - key.low);
  return whole ? FormatNumber(std::min(std::floor(value), key.high)) : ThreeDigits(value);
}

}  // namespace

Result<Axis> ParseAxis(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return Wrong(text, "expected key=value,value");
  }
  Axis axis{.key = std::string(text.substr(0, equals)),
            .values = SplitValues(text.substr(equals + 1))};
  for (auto value = axis.values.begin(); value != axis.values.end(); ++value) {
    if (value->empty()) {
      return Wrong(text, "a value is empty");
    }
    if (std::find(axis.values.begin(), value, *value) != value) {
      return Wrong(text, "the value " + *value + " stands twice");
    }
  }
  return axis;
}

Result<Axis> Anchored(Axis axis, const ScenarioKeys& base) {
  RONDO_TRY_STATUS(CheckKey(axis.key, base));
  for (std::string& value : axis.values) {
    const std::optional<double> factor =
        value.starts_with('x') ? ParseNumber(value.substr(1)) : std::nullopt;
    if (!factor) {
      continue;
    }
    const std::optional<double> anchor = ParseNumber(base.at(axis.key));
    if (!anchor) {
      return Wrong(axis.key + "=" + value,
                   "the key holds " + base.at(axis.key) + ", which cannot be multiplied");
    }
    value = ThreeDigits(*factor * *anchor);
  }
  return axis;
}

std::vector<Settings> GridOf(const std::vector<Axis>& axes) {
  std::vector<Settings> points(1);
  for (const Axis& axis : axes) {
    std::vector<Settings> longer;
    for (const Settings& point : points) {
      for (const std::string& value : axis.values) {
        longer.push_back(point);
        longer.back().push_back(axis.key + "=" + value);
      }
    }
    points = std::move(longer);
  }
  return points;
}

std::vector<Settings> SampleOf(std::vector<Settings> points,
                               std::size_t count,
                               std::uint64_t seed) {
  // Selection sampling: each point is kept with the share of those still wanted.
  Rng rng({.seed = seed, .round = 2, .purpose = Purpose::kBootstrap});
  std::vector<Settings> kept;
  for (std::size_t i = 0; i < points.size() && kept.size() < count; ++i) {
    if (rng.Below(points.size() - i) < count - kept.size()) {
      kept.push_back(std::move(points[i]));
    }
  }
  return kept;
}

Result<DrawnKey> ParseDrawnKey(std::string_view text) {
  constexpr std::string_view kLog = "log:";
  RONDO_TRY(Axis axis, ParseAxis(text));
  std::string_view range = axis.values.front();
  const bool logarithmic = range.starts_with(kLog);
  range.remove_prefix(logarithmic ? kLog.size() : 0);
  const std::size_t dots = range.find("..");
  if (dots == std::string_view::npos) {
    return logarithmic ? Result<DrawnKey>(Wrong(text, "expected log:LOW..HIGH"))
                       : DrawnKey{.choices = std::move(axis)};
  }
  const std::optional<double> low = ParseNumber(range.substr(0, dots));
  const std::optional<double> high = ParseNumber(range.substr(dots + 2));
  if (axis.values.size() != 1 || !low || !high || *low >= *high) {
    return Wrong(text, "expected key=LOW..HIGH or key=log:LOW..HIGH with LOW below HIGH");
  }
  if (logarithmic && *low <= 0.0) {
    return Wrong(text, "a logarithmic range begins above 0");
  }
  return DrawnKey{.choices = {.key = std::move(axis.key), .values = {}},
                  .low = *low,
                  .high = *high,
                  .logarithmic = logarithmic};
}

Result<std::vector<Settings>> DrawPoints(const std::vector<DrawnKey>& keys,
                                         const ScenarioKeys& base,
                                         std::size_t count,
                                         std::uint64_t seed) {
  for (const DrawnKey& key : keys) {
    RONDO_TRY_STATUS(CheckKey(key.choices.key, base));
  }
  Rng rng({.seed = seed, .round = 3, .purpose = Purpose::kBootstrap});
  std::vector<Settings> points(count);
  for (Settings& point : points) {
    for (const DrawnKey& key : keys) {
      const std::string& name = key.choices.key;
      point.push_back(name + "=" + Draw(key, IsWhole(base.at(name)), rng));
    }
  }
  return points;
}

std::string EdgeOf(const Axis& axis, const std::string& chosen) {
  std::vector<double> numbers;
  for (const std::string& value : axis.values) {
    const std::optional<double> number = ParseNumber(value);
    if (!number) {
      return "";
    }
    numbers.push_back(*number);
  }
  const std::optional<double> own = ParseNumber(chosen);
  if (!own || numbers.size() < 2) {
    return "";
  }
  const auto [low, high] = std::minmax_element(numbers.begin(), numbers.end());
  return *own <= *low ? "low" : *own >= *high ? "high" : "";
}

}  // namespace rondo::sim
