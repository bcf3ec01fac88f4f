#include "common/config/layers.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <unistd.h>
#include <utility>

namespace rondo::detail {

/// What the library believes of a text and is not so: "[" and a line end are enough. Its own answer
/// is to end the program.
struct BrokenBelief {};

}  // namespace rondo::detail

// NOLINTBEGIN(readability-identifier-naming): the names are the library's.
#define TOML_ASSERT(belief) \
  ((belief) ? static_cast<void>(0) : throw ::rondo::detail::BrokenBelief())
// The packaged library throws; its headers alone return errors.
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
// NOLINTEND(readability-identifier-naming)

// Some of its functions promise not to throw: they end the program as before.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wterminate"
#endif
#include <toml++/toml.h>

#include "common/core/file.h"

namespace rondo {
namespace {

constexpr std::uint64_t kLargestFile = 16 << 20;
constexpr std::string_view kVariablePrefix = "RONDO_";

std::string KindName(toml::node_type type) {
  switch (type) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a decimal number";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

ConfigValue Convert(const toml::node& node) {
  ConfigValue value;
  value.kind = KindName(node.type());
  if (const auto* text = node.as_string()) {
    value.data = text->get();
  } else if (const auto* integer = node.as_integer()) {
    value.data = integer->get();
  } else if (const auto* number = node.as_floating_point()) {
    value.data = number->get();
  } else if (const auto* flag = node.as_boolean()) {
    value.data = flag->get();
  } else if (const auto* list = node.as_array()) {
    std::vector<ConfigValue> elements;
    for (const toml::node& element : *list) {
      elements.push_back(Convert(element));
    }
    value.data = std::move(elements);
  }
  return value;
}

std::string At(const std::string& file, const toml::source_position& position) {
  return file + ":" + std::to_string(position.line) + ":" + std::to_string(position.column);
}

/// Lays every key of a parsed file into `entries`, tables included, so that unknown ones are seen.
void Flatten(const toml::table& table,
             const std::string& file,
             const std::filesystem::path& base,
             Layers::Key& path,
             std::map<Layers::Key, ConfigEntry>& entries) {
  for (const auto& [key, node] : table) {
    path.emplace_back(key.str());
    entries[path] = ConfigEntry{.value = Convert(node),
                                .key_origin = At(file, key.source().begin),
                                .value_origin = At(file, node.source().begin),
                                .base = base,
                                .is_table = node.is_table()};
    if (const toml::table* inner = node.as_table()) {
      Flatten(*inner, file, base, path, entries);
    }
    path.pop_back();
  }
}

/// Errors  kInvalidArgument with the place in `file`.
Result<toml::table> ParseToml(const std::string& text, const std::string& file) {
  try {
    toml::parse_result parsed = toml::parse(text, file);
    if (!parsed) {
      return Fail(ErrorCode::kInvalidArgument,
                  At(file, parsed.error().source().begin)
                      + ": broken TOML: " + std::string(parsed.error().description()));
    }
    return std::move(parsed).table();
  } catch (const detail::BrokenBelief&) {
    return Fail(ErrorCode::kInvalidArgument,
                file + ": broken TOML: a key or a value is missing or malformed");
  }
}

/// Reads `text` as a TOML value; what is none is a bare word.
ConfigValue ParseValue(const std::string& text) {
  ConfigValue value{.data = text, .raw = text, .kind = "a text"};
  if (text.find('\n') != std::string::npos) {
    return value;
  }
  const Result<toml::table> parsed = ParseToml("value = " + text, "value");
  if (parsed && parsed->size() == 1) {
    if (const toml::node* node = parsed->get("value"); node != nullptr && !node->is_table()) {
      value = Convert(*node);
      // A quoted text means its content, anything else may stand for itself.
      value.raw = node->is_string() ? std::string() : text;
    }
  }
  return value;
}

/// Later layers replace a whole value: a table by a value and the other way round, too.
void Replace(std::map<Layers::Key, ConfigEntry>& entries,
             const Layers::Key& key,
             ConfigEntry entry) {
  std::erase_if(entries, [&](const auto& item) {
    return item.first.size() > key.size() && std::equal(key.begin(), key.end(), item.first.begin());
  });
  entries[key] = std::move(entry);
}

/// RONDO_DATA__COLUMNS__USER -> data, columns, user.
std::optional<Layers::Key> VariableKey(const std::string& variable) {
  if (variable.rfind(kVariablePrefix, 0) != 0 || variable.find("__") == std::string::npos) {
    return std::nullopt;
  }
  std::string name = variable.substr(kVariablePrefix.size());
  if (name.rfind('_', 0) == 0) {
    name = "_" + name;  // RONDO__SEED has its second underscore in the prefix's place.
  }
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  Layers::Key key;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = name.find("__", begin);
    const std::string part = name.substr(begin, end == std::string::npos ? end : end - begin);
    if (!part.empty()) {
      key.push_back(part);
    }
    if (end == std::string::npos) {
      break;
    }
    begin = end + 2;
  }
  return key.empty() ? std::nullopt : std::optional(key);
}

std::filesystem::path WorkingFolder() {
  std::error_code ignored;
  return std::filesystem::current_path(ignored);
}

Status LoadFile(const std::filesystem::path& file, std::map<Layers::Key, ConfigEntry>& entries) {
  RONDO_TRY(const std::string text, ReadTextFile(file, kLargestFile));
  RONDO_TRY(const toml::table parsed, ParseToml(text, file.string()));
  std::error_code ignored;
  const std::filesystem::path base = std::filesystem::absolute(file, ignored).parent_path();
  Layers::Key path;
  Flatten(parsed, file.string(), base, path, entries);
  return Ok();
}

Status ApplySet(const std::string& set, std::map<Layers::Key, ConfigEntry>& entries) {
  const std::string origin = "--set " + set;
  const std::size_t equals = set.find('=');
  if (equals == std::string::npos || equals == 0) {
    return Fail(ErrorCode::kInvalidArgument, origin + ": expected section.key=value");
  }
  const Layers::Key key = SplitKey(std::string_view(set).substr(0, equals));
  if (std::any_of(key.begin(), key.end(), [](const std::string& part) { return part.empty(); })) {
    return Fail(ErrorCode::kInvalidArgument,
                origin + ": '" + set.substr(0, equals) + "' is no key, expected section.key=value");
  }
  Replace(entries,
          key,
          ConfigEntry{.value = ParseValue(set.substr(equals + 1)),
                      .key_origin = origin,
                      .value_origin = origin,
                      .base = WorkingFolder()});
  return Ok();
}

}  // namespace

std::map<std::string, std::string> ConfigEnvironment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos && VariableKey(text.substr(0, equals))) {
      variables[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
  return variables;
}

Layers::Key SplitKey(std::string_view dotted) {
  Layers::Key key;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = dotted.find('.', begin);
    key.emplace_back(dotted.substr(begin, end == std::string_view::npos ? end : end - begin));
    if (end == std::string_view::npos) {
      return key;
    }
    begin = end + 1;
  }
}

std::string JoinKey(const Layers::Key& key) {
  std::string joined;
  for (const std::string& part : key) {
    joined += (joined.empty() ? "" : ".") + part;
  }
  return joined;
}

Result<Layers> Layers::Load(const ConfigSources& sources) {
  Layers layers;
  if (!sources.file.empty()) {
    RONDO_TRY_STATUS(LoadFile(sources.file, layers.entries_));
  }
  for (const auto& [variable, text] : sources.environment) {
    const std::optional<Key> key = VariableKey(variable);
    if (!key) {
      continue;
    }
    const std::string origin = "environment variable " + variable;
    Replace(layers.entries_,
            *key,
            ConfigEntry{.value = ParseValue(text),
                        .key_origin = origin,
                        .value_origin = origin,
                        .base = WorkingFolder()});
  }
  for (const std::string& set : sources.sets) {
    RONDO_TRY_STATUS(ApplySet(set, layers.entries_));
  }
  return layers;
}

Status Layers::AddDefault(const std::string& key,
                          const std::string& value,
                          const std::string& origin) {
  if (key.empty()) {
    return Fail(ErrorCode::kInvalidArgument, origin + ": the key is empty");
  }
  entries_.try_emplace(SplitKey(key),
                       ConfigEntry{.value = ParseValue(value),
                                   .key_origin = origin,
                                   .value_origin = origin,
                                   .base = WorkingFolder()});
  return Ok();
}

const ConfigEntry* Layers::Find(std::string_view key) const {
  const auto found = entries_.find(SplitKey(key));
  return found == entries_.end() ? nullptr : &found->second;
}

std::string Layers::Origin(std::string_view key) const {
  const ConfigEntry* entry = Find(key);
  return entry == nullptr ? "" : entry->value_origin + ": ";
}

}  // namespace rondo
