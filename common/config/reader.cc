#include <algorithm>
#include <set>

#include "common/config/binder.h"
#include "common/config/field_text.h"
#include "common/core/suggest.h"

namespace rondo {
namespace {

/// A text as given: quoted, or the bare word of an environment variable or set.
std::optional<std::string> TextOf(const ConfigValue& value) {
  if (const auto* text = std::get_if<std::string>(&value.data)) {
    return *text;
  }
  return value.raw.empty() ? std::nullopt : std::optional(value.raw);
}

std::string Expected(const std::string& what, const ConfigValue& got) {
  return "expected " + what + ", got " + got.kind;
}

/// Turns a value into a field; returns what is wrong, or nothing.
struct Assigner {
  using Fault = std::optional<std::string>;
  const ConfigEntry& entry;

  Fault operator()(bool* target) const {
    if (!std::holds_alternative<bool>(entry.value.data)) {
      return Expected("true or false", entry.value);
    }
    *target = std::get<bool>(entry.value.data);
    return std::nullopt;
  }

  Fault operator()(int* target) const { return Integer(entry.value, target); }

  Fault operator()(std::uint64_t* target) const { return Integer(entry.value, target); }

  Fault operator()(double* target) const {
    if (const auto* number = std::get_if<double>(&entry.value.data)) {
      *target = *number;
    } else if (const auto* integer = std::get_if<std::int64_t>(&entry.value.data)) {
      *target = static_cast<double>(*integer);
    } else {
      return Expected("a number", entry.value);
    }
    return std::nullopt;
  }

  Fault operator()(std::string* target) const {
    const std::optional<std::string> text = TextOf(entry.value);
    if (!text) {
      return Expected("a text in quotes", entry.value);
    }
    *target = *text;
    return std::nullopt;
  }

  Fault operator()(std::filesystem::path* target) const {
    const std::optional<std::string> text = TextOf(entry.value);
    if (!text) {
      return Expected("a path in quotes", entry.value);
    }
    *target = text->empty() ? std::filesystem::path() : (entry.base / *text).lexically_normal();
    return std::nullopt;
  }

  Fault operator()(std::vector<std::string>* target) const {
    if (!std::holds_alternative<std::vector<ConfigValue>>(entry.value.data)) {
      return Expected("a list of texts such as [\"a\", \"b\"]", entry.value);
    }
    std::vector<std::string> texts;
    for (const ConfigValue& element : std::get<std::vector<ConfigValue>>(entry.value.data)) {
      const auto* text = std::get_if<std::string>(&element.data);
      if (text == nullptr) {
        return "a list of texts holds " + element.kind;
      }
      texts.push_back(*text);
    }
    *target = std::move(texts);
    return std::nullopt;
  }

  Fault operator()(std::vector<int>* target) const {
    if (!std::holds_alternative<std::vector<ConfigValue>>(entry.value.data)) {
      return Expected("a list of integers such as [5, 10]", entry.value);
    }
    std::vector<int> integers;
    for (const ConfigValue& element : std::get<std::vector<ConfigValue>>(entry.value.data)) {
      int integer = 0;
      if (Fault fault = Integer(element, &integer)) {
        return "in the list: " + *fault;
      }
      integers.push_back(integer);
    }
    *target = std::move(integers);
    return std::nullopt;
  }

  Fault operator()(std::map<std::string, std::string>*) const {
    return Expected("a table such as { user = \"user_id\" }", entry.value);
  }

 private:
  template <typename T>
  static Fault Integer(const ConfigValue& value, T* target) {
    const auto* integer = std::get_if<std::int64_t>(&value.data);
    if (integer == nullptr) {
      return Expected("an integer", value);
    }
    if (!std::in_range<T>(*integer)) {
      return "the integer " + std::to_string(*integer) + " is out of range";
    }
    *target = static_cast<T>(*integer);
    return std::nullopt;
  }
};

class Reader : public Binder {
 public:
  explicit Reader(const Layers& layers) : layers_(layers) {}

  Status Finish() && {
    RONDO_TRY_STATUS(FindUnknown());
    return std::move(outcome_);
  }

 protected:
  void Bind(const Field& field) override {
    Layers::Key path = field.section.empty() ? Layers::Key() : SplitKey(field.section);
    for (std::size_t depth = 1; depth <= path.size(); ++depth) {
      sections_.insert(
          Layers::Key(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(depth)));
    }
    path.push_back(field.name);
    fields_.insert(path);
    if (auto* const* map = std::get_if<std::map<std::string, std::string>*>(&field.target)) {
      maps_.insert(path);
      ReadMap(field, path, **map);
    }
    const auto found = layers_.entries().find(path);
    if (found == layers_.entries().end() || (found->second.is_table && maps_.count(path) > 0)) {
      return;
    }
    std::optional<std::string> fault = std::visit(Assigner{found->second}, field.target);
    if (!fault) {
      fault = FieldFault(field);
    }
    if (fault) {
      Record(found->second, field.key(), *fault);
    }
  }

 private:
  void Record(const ConfigEntry& entry, const std::string& key, const std::string& fault) {
    if (outcome_) {
      outcome_ = Fail(ErrorCode::kInvalidArgument, entry.value_origin + ": " + key + ": " + fault);
    }
  }

  void ReadMap(const Field& field,
               const Layers::Key& path,
               std::map<std::string, std::string>& map) {
    for (const auto& [key, entry] : layers_.entries()) {
      if (key.size() != path.size() + 1 || !std::equal(path.begin(), path.end(), key.begin())) {
        continue;
      }
      const std::optional<std::string> text = TextOf(entry.value);
      if (!text) {
        Record(entry, JoinKey(key), Expected("a text in quotes", entry.value));
        continue;
      }
      map[key.back()] = *text;
      if (const std::optional<std::string> fault = FieldFault(field)) {
        Record(entry, field.key(), *fault);
      }
    }
  }

  bool IsKnown(const Layers::Key& key, const ConfigEntry& entry) const {
    if (fields_.count(key) > 0) {
      return true;
    }
    if (sections_.count(key) > 0) {
      return entry.is_table;
    }
    const Layers::Key parent(key.begin(), key.end() - 1);
    // Below a field that is no map lies a wrong type, which Bind has reported.
    return maps_.count(parent) > 0 || fields_.count(parent) > 0;
  }

  Status FindUnknown() const {
    for (const auto& [key, entry] : layers_.entries()) {
      if (IsKnown(key, entry)) {
        continue;
      }
      if (sections_.count(key) > 0) {
        return Fail(
            ErrorCode::kInvalidArgument,
            entry.value_origin + ": '" + JoinKey(key) + "' is a section, got " + entry.value.kind);
      }
      return Fail(ErrorCode::kInvalidArgument,
                  entry.key_origin + ": unknown " + (entry.is_table ? "section '" : "key '")
                      + JoinKey(key) + "'" + Hint(key));
    }
    return Ok();
  }

  /// What may have been meant: a neighbour, or the same name elsewhere.
  std::string Hint(const Layers::Key& key) const {
    const Layers::Key parent(key.begin(), key.end() - 1);
    std::vector<std::string> neighbours;
    std::string elsewhere;
    for (const std::set<Layers::Key>* known : {&fields_, &sections_}) {
      for (const Layers::Key& candidate : *known) {
        if (Layers::Key(candidate.begin(), candidate.end() - 1) == parent) {
          neighbours.push_back(candidate.back());
        } else if (candidate.back() == key.back() && elsewhere.empty()) {
          elsewhere = JoinKey(candidate);
        }
      }
    }
    if (!elsewhere.empty()) {
      return "; did you mean '" + elsewhere + "'?";
    }
    return DidYouMean(key.back(), neighbours);
  }

  const Layers& layers_;
  std::set<Layers::Key> fields_;
  std::set<Layers::Key> sections_;
  std::set<Layers::Key> maps_;
  Status outcome_;
};

}  // namespace

Status ReadFields(const Layers& layers, const BindFunction& bind) {
  Reader reader(layers);
  bind(reader);
  return std::move(reader).Finish();
}

}  // namespace rondo
