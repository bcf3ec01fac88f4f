#include "common/io/json.h"

#include <charconv>
#include <cmath>
#include <string>
#include <unordered_set>
#include <vector>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_stack.hpp>

namespace rondo {
namespace {

using boost::json::error_code;

/// Builds the value like the library's own handler, but refuses repeated keys, of which that keeps
/// the last, and reads decimals exactly, which that may miss by a bit.
struct StrictHandler {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = 1 << 20;
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  boost::json::value_stack stack;
  std::vector<std::unordered_set<std::string>> open;
  std::string part;  ///< of a key or number
  std::string repeated;

  bool on_document_begin(error_code&) { return true; }

  bool on_document_end(error_code&) { return true; }

  bool on_object_begin(error_code&) {
    open.emplace_back();
    return true;
  }

  bool on_object_end(std::size_t size, error_code&) {
    open.pop_back();
    stack.push_object(size);
    return true;
  }

  bool on_array_begin(error_code&) { return true; }

  bool on_array_end(std::size_t size, error_code&) {
    stack.push_array(size);
    return true;
  }

  bool on_key_part(boost::json::string_view text, std::size_t, error_code&) {
    part.append(text.data(), text.size());
    stack.push_chars(text);
    return true;
  }

  bool on_key(boost::json::string_view text, std::size_t, error_code& code) {
    part.append(text.data(), text.size());
    if (!open.back().insert(part).second) {
      repeated = part;
      code = boost::json::error::extra_data;
      return false;
    }
    part.clear();
    stack.push_key(text);
    return true;
  }

  bool on_string_part(boost::json::string_view text, std::size_t, error_code&) {
    stack.push_chars(text);
    return true;
  }

  bool on_string(boost::json::string_view text, std::size_t, error_code&) {
    stack.push_string(text);
    return true;
  }

  bool on_number_part(boost::json::string_view text, error_code&) {
    part.append(text.data(), text.size());
    return true;
  }

  bool on_int64(std::int64_t value, boost::json::string_view, error_code&) {
    part.clear();
    stack.push_int64(value);
    return true;
  }

  bool on_uint64(std::uint64_t value, boost::json::string_view, error_code&) {
    part.clear();
    stack.push_uint64(value);
    return true;
  }

  bool on_double(double value, boost::json::string_view text, error_code&) {
    part.append(text.data(), text.size());
    double exact = 0.0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), exact);
    // Beyond the range of a double the library's infinity or zero stands.
    stack.push_double(error == std::errc() ? exact : value);
    part.clear();
    return true;
  }

  bool on_bool(bool value, error_code&) {
    stack.push_bool(value);
    return true;
  }

  bool on_null(error_code&) {
    stack.push_null();
    return true;
  }

  bool on_comment_part(boost::json::string_view, error_code&) { return true; }

  bool on_comment(boost::json::string_view, error_code&) { return true; }
};

bool IsFlat(const boost::json::array& list) {
  for (const boost::json::value& element : list) {
    if (element.is_structured()) {
      return false;
    }
  }
  return true;
}

/// The library writes 0.5 as 5E-1 and NaN as what is no JSON.
std::string NumberJson(double value) {
  if (!std::isfinite(value)) {
    return "null";
  }
  char buffer[32];
  const std::string text(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

class Printer {
 public:
  explicit Printer(bool pretty) : pretty_(pretty) {}

  void Print(const boost::json::value& value, const std::string& indent = "") {
    if (value.is_double()) {
      text_ += NumberJson(value.get_double());
    } else if (value.is_object()) {
      PrintObject(value.get_object(), indent);
    } else if (value.is_array()) {
      PrintList(value.get_array(), indent);
    } else {
      text_ += boost::json::serialize(value);
    }
  }

  std::string text() && { return std::move(text_); }

 private:
  void PrintObject(const boost::json::object& object, const std::string& indent) {
    const bool broken = pretty_ && !object.empty();
    text_ += '{';
    bool first = true;
    for (const auto& [key, element] : object) {
      Separate(first, broken, indent);
      text_ += boost::json::serialize(key) + (pretty_ ? ": " : ":");
      Print(element, indent + "  ");
    }
    text_ += (broken ? "\n" + indent : "") + "}";
  }

  void PrintList(const boost::json::array& list, const std::string& indent) {
    const bool broken = pretty_ && !IsFlat(list);
    text_ += '[';
    bool first = true;
    for (const boost::json::value& element : list) {
      Separate(first, broken, indent);
      Print(element, indent + "  ");
    }
    text_ += (broken ? "\n" + indent : "") + "]";
  }

  void Separate(bool& first, bool broken, const std::string& indent) {
    if (!first) {
      text_ += pretty_ && !broken ? ", " : ",";
    }
    text_ += broken ? "\n" + indent + "  " : "";
    first = false;
  }

  bool pretty_;
  std::string text_;
};

std::string PrintJson(const boost::json::value& value, bool pretty) {
  Printer printer(pretty);
  printer.Print(value);
  return std::move(printer).text();
}

}  // namespace

boost::json::value NumberOrNull(double value) {
  return std::isfinite(value) ? boost::json::value(value) : boost::json::value(nullptr);
}

std::string PrettyJson(const boost::json::value& value) {
  return PrintJson(value, true) + "\n";
}

std::string CompactJson(const boost::json::value& value) {
  return PrintJson(value, false);
}

Result<boost::json::value> ParseJson(std::string_view text, std::size_t max_depth) {
  boost::json::parse_options options;
  options.max_depth = max_depth;
  boost::json::basic_parser<StrictHandler> parser(options);
  StrictHandler& handler = parser.handler();
  handler.stack.reset();
  error_code code;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), code);
  if (!handler.repeated.empty()) {
    return Fail(ErrorCode::kCorrupt, "the JSON key '" + handler.repeated + "' is repeated");
  }
  if (code || used != text.size()) {
    return Fail(ErrorCode::kCorrupt,
                "broken JSON at byte " + std::to_string(used) + ": "
                    + (code ? code.message() : std::string("text after the value")));
  }
  return handler.stack.release();
}

}  // namespace rondo
