#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/config/sources.h"
#include "common/core/result.h"

namespace rondo {

/// A TOML value without its library.
struct ConfigValue {
  /// monostate stands for what no field holds: dates, times, tables.
  std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<ConfigValue>>
      data;
  std::string
      raw;  ///< environment and sets only: the text as given, which a text field takes as it is
  std::string kind;  ///< for messages: "an integer", "a table"
};

/// One value with the place it came from.
struct ConfigEntry {
  ConfigValue value;
  std::string key_origin;    ///< "file:line:column" of the key, or the name of the variable or flag
  std::string value_origin;  ///< the same of the value
  std::filesystem::path base;  ///< relative paths resolve against it
  bool is_table = false;
};

/// The values of all sources, the strongest of each key, by path of names.
class Layers {
 public:
  using Key = std::vector<std::string>;

  /// Errors  kNotFound for the file; kInvalidArgument with the origin for broken TOML or a broken
  /// set.
  static Result<Layers> Load(const ConfigSources& sources);

  /// Adds a value that any source overrides. `key` is dotted, `value` is TOML or a bare word.
  /// Errors  kInvalidArgument for a broken key.
  Status AddDefault(const std::string& key, const std::string& value, const std::string& origin);

  /// The entry of a dotted key, or null.
  const ConfigEntry* Find(std::string_view key) const;

  /// "file:line:column: " of the value behind a dotted key, or an empty text for a built-in value.
  std::string Origin(std::string_view key) const;

  const std::map<Key, ConfigEntry>& entries() const { return entries_; }

 private:
  std::map<Key, ConfigEntry> entries_;
};

/// "a.b" as {"a", "b"}.
Layers::Key SplitKey(std::string_view dotted);
std::string JoinKey(const Layers::Key& key);

}  // namespace rondo
