#include "common/config/field_text.h"

#include <algorithm>

#include "common/config/number_text.h"

namespace rondo {
namespace {

std::string Quote(const std::string& text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\t') {
      quoted += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      quoted += "\\u00";
      quoted += kDigits[byte >> 4];
      quoted += kDigits[byte & 15];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

template <typename T, typename Print>
std::string List(const std::vector<T>& values, Print print) {
  std::string text = "[";
  for (const T& value : values) {
    text += (text.size() > 1 ? ", " : "") + print(value);
  }
  return text + "]";
}

struct Printer {
  std::string operator()(const bool* value) const { return *value ? "true" : "false"; }

  std::string operator()(const int* value) const { return std::to_string(*value); }

  std::string operator()(const std::uint64_t* value) const { return std::to_string(*value); }

  std::string operator()(const std::string* value) const { return Quote(*value); }

  std::string operator()(const double* value) const {
    const std::string text = FormatNumber(*value);
    const bool is_float = text.find_first_of(".en") != std::string::npos;  // "n": inf and nan.
    return is_float ? text : text + ".0";
  }

  std::string operator()(const std::filesystem::path* value) const {
    std::error_code ignored;
    return Quote(value->empty() ? "" : std::filesystem::absolute(*value, ignored).string());
  }

  std::string operator()(const std::vector<std::string>* values) const {
    return List(*values, Quote);
  }

  std::string operator()(const std::vector<int>* values) const {
    return List(*values, [](int value) { return std::to_string(value); });
  }

  std::string operator()(const std::map<std::string, std::string>* values) const {
    std::string text = "{";
    for (const auto& [key, value] : *values) {
      text += (text.size() > 1 ? ", " : " ") + TomlKey(key) + " = " + Quote(value);
    }
    return text + (values->empty() ? "}" : " }");
  }
};

}  // namespace

std::string TomlKey(const std::string& key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
           || c == '-';
  });
  return bare ? key : Quote(key);
}

std::string TomlValue(const FieldTarget& target) {
  return std::visit(Printer{}, target);
}

}  // namespace rondo
