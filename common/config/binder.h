#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/config/layers.h"
#include "common/config/sources.h"
#include "common/core/result.h"

/// Binds TOML keys to the fields of plain structs. A configuration writes one function that lists
/// every field once; the same list reads, checks and writes it:
///
///     void BindServer(Server& server, Binder& binder) {
///       binder.Section("listen");
///       binder.Text("address", server.address);
///       binder.Integer("port", server.port, {.min = 0, .max = 65535});
///     }
///     RONDO_TRY(Server server, LoadConfig(sources, BindServer));
///
/// A section called more than once goes on where it stopped.
namespace rondo {

struct Range {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool above_min = false;  ///< `min` itself is excluded
};

using FieldTarget = std::variant<bool*,
                                 int*,
                                 std::uint64_t*,
                                 double*,
                                 std::string*,
                                 std::filesystem::path*,
                                 std::vector<std::string>*,
                                 std::vector<int>*,
                                 std::map<std::string, std::string>*>;

struct Field {
  std::string section;  ///< empty: top level
  std::string name;
  FieldTarget target;
  Range range;
  std::vector<std::string> choices;  ///< of the text, list elements or map values; empty: any

  std::string key() const { return section.empty() ? name : section + "." + name; }
};

/// Meets every field of a configuration in turn.
class Binder {
 public:
  virtual ~Binder() = default;

  /// Fields that follow belong to `name`, which may be dotted; empty for the top level.
  void Section(std::string name) { section_ = std::move(name); }

  void Flag(std::string name, bool& value);
  void Integer(std::string name, int& value, Range range = {});
  void Integer(std::string name, std::uint64_t& value, Range range = {.min = 0});
  void Number(std::string name, double& value, Range range = {});
  void Text(std::string name, std::string& value);
  void Choice(std::string name, std::string& value, std::vector<std::string> choices);
  /// Made absolute when read: against the file's folder, or the working directory in environment
  /// and sets.
  void Path(std::string name, std::filesystem::path& value);
  void TextList(std::string name,
                std::vector<std::string>& value,
                std::vector<std::string> choices = {});
  void IntegerList(std::string name, std::vector<int>& value, Range range = {});
  void TextMap(std::string name,
               std::map<std::string, std::string>& value,
               std::vector<std::string> choices = {});

 protected:
  virtual void Bind(const Field& field) = 0;

 private:
  std::string section_;
};

using BindFunction = std::function<void(Binder&)>;

/// Reads every field that some layer names; the others keep their values.
/// Errors  kInvalidArgument with the origin for an unknown key, a wrong type or a value out of
/// range.
Status ReadFields(const Layers& layers, const BindFunction& bind);

/// Checks ranges and choices of the values in place.
/// Errors  kInvalidArgument naming the key.
Status CheckFields(const BindFunction& bind);

/// All fields as TOML, sections in the order they were bound. Paths are written absolute.
std::string WriteFields(const BindFunction& bind);

/// Loads a struct of plain fields whose initial values are the built-in ones.
template <typename T>
Result<T> LoadConfig(const ConfigSources& sources, void (*bind)(T&, Binder&)) {
  RONDO_TRY(const Layers layers, Layers::Load(sources));
  T config;
  RONDO_TRY_STATUS(ReadFields(layers, [&](Binder& binder) { bind(config, binder); }));
  return config;
}

/// The struct as TOML; LoadConfig reads it back.
template <typename T>
std::string ConfigToToml(T config, void (*bind)(T&, Binder&)) {
  return WriteFields([&](Binder& binder) { bind(config, binder); });
}

}  // namespace rondo
