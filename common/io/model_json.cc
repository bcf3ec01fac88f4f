#include "common/io/model_json.h"

#include <set>

#include <boost/json/serialize.hpp>

#include "common/config/binder.h"
#include "common/io/json.h"

namespace rondo {
namespace {

struct ToJson {
  template <typename T>
  boost::json::value operator()(const T* value) const {
    return boost::json::value(*value);
  }

  boost::json::value operator()(const std::filesystem::path* value) const {
    return boost::json::value(value->string());
  }

  template <typename T>
  boost::json::value operator()(const std::vector<T>* values) const {
    return boost::json::array(values->begin(), values->end());
  }

  boost::json::value operator()(const std::map<std::string, std::string>* values) const {
    boost::json::object object;
    for (const auto& [key, text] : *values) {
      object[key] = text;
    }
    return object;
  }
};

/// Assigns a JSON value to a field; false if its type does not fit.
struct FromJson {
  const boost::json::value& json;

  bool operator()(bool* target) const {
    if (const bool* flag = json.if_bool()) {
      *target = *flag;
      return true;
    }
    return false;
  }

  bool operator()(int* target) const { return Integer(json, target); }

  bool operator()(std::uint64_t* target) const { return Integer(json, target); }

  bool operator()(double* target) const {
    if (!json.is_number()) {
      return false;
    }
    *target = json.to_number<double>();
    return true;
  }

  bool operator()(std::string* target) const { return Text(json, target); }

  bool operator()(std::filesystem::path* target) const {
    std::string text;
    if (!Text(json, &text)) {
      return false;
    }
    *target = text;
    return true;
  }

  bool operator()(std::vector<std::string>* target) const { return List(target, Text); }

  bool operator()(std::vector<int>* target) const { return List(target, Integer<int>); }

  bool operator()(std::map<std::string, std::string>* target) const {
    if (!json.is_object()) {
      return false;
    }
    target->clear();
    for (const auto& [key, text] : json.get_object()) {
      if (!Text(text, &(*target)[std::string(key)])) {
        return false;
      }
    }
    return true;
  }

 private:
  template <typename T>
  static bool Integer(const boost::json::value& value, T* target) {
    const std::int64_t* integer = value.if_int64();
    if (integer == nullptr || !std::in_range<T>(*integer)) {
      return false;
    }
    *target = static_cast<T>(*integer);
    return true;
  }

  static bool Text(const boost::json::value& value, std::string* target) {
    if (!value.is_string()) {
      return false;
    }
    *target = std::string(value.get_string());
    return true;
  }

  template <typename T>
  bool List(std::vector<T>* target, bool (*read)(const boost::json::value&, T*)) const {
    if (!json.is_array()) {
      return false;
    }
    target->clear();
    for (const boost::json::value& element : json.get_array()) {
      T value{};
      if (!read(element, &value)) {
        return false;
      }
      target->push_back(std::move(value));
    }
    return true;
  }
};

class JsonWriter : public Binder {
 public:
  boost::json::object object;

 protected:
  void Bind(const Field& field) override {
    object[field.name] = std::visit(ToJson{}, field.target);
  }
};

class JsonReader : public Binder {
 public:
  explicit JsonReader(const boost::json::object& object) : object_(object) {}

  Status Finish() && {
    for (const auto& [key, value] : object_) {
      if (known_.count(std::string(key)) == 0) {
        return Fail(ErrorCode::kCorrupt,
                    "unknown key '" + std::string(key) + "' in the model's configuration");
      }
    }
    return std::move(outcome_);
  }

 protected:
  void Bind(const Field& field) override {
    known_.insert(field.name);
    const boost::json::value* value = object_.if_contains(field.name);
    if (value != nullptr && !std::visit(FromJson{*value}, field.target)) {
      outcome_ = Fail(ErrorCode::kCorrupt,
                      "the key '" + field.name + "' in the model's configuration has a wrong type");
    }
  }

 private:
  const boost::json::object& object_;
  std::set<std::string> known_;
  Status outcome_;
};

}  // namespace

boost::json::object ModelConfigToJson(const ModelConfig& config) {
  ModelConfig copy = config;
  JsonWriter writer;
  BindModelConfig(copy, writer);
  return std::move(writer.object);
}

Result<ModelConfig> ModelConfigFromJson(std::string_view text) {
  RONDO_TRY(const boost::json::value json, ParseJson(text));
  if (!json.is_object()) {
    return Fail(ErrorCode::kCorrupt, "the model's configuration is no JSON object");
  }
  ModelConfig config;
  JsonReader reader(json.get_object());
  BindModelConfig(config, reader);
  RONDO_TRY_STATUS(std::move(reader).Finish());
  if (Status status = CheckFields([&](Binder& binder) { BindModelConfig(config, binder); });
      !status) {
    return Fail(ErrorCode::kCorrupt,
                "the model's configuration is impossible: " + status.error().message);
  }
  return config;
}

}  // namespace rondo
