#include "common/io/json.h"

#include <string>
#include <unordered_set>
#include <vector>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>

namespace rondo {
namespace {

using boost::json::error_code;

/// Looks at keys only: the library's own parser silently keeps the last of repeated ones.
struct KeyWatcher {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = 1 << 20;
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  std::vector<std::unordered_set<std::string>> open;
  std::string part;
  std::string repeated;

  bool on_object_begin(error_code&) {
    open.emplace_back();
    return true;
  }

  bool on_object_end(std::size_t, error_code&) {
    open.pop_back();
    return true;
  }

  bool on_key_part(boost::json::string_view text, std::size_t, error_code&) {
    part.append(text.data(), text.size());
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
    return true;
  }

  bool on_document_begin(error_code&) { return true; }

  bool on_document_end(error_code&) { return true; }

  bool on_array_begin(error_code&) { return true; }

  bool on_array_end(std::size_t, error_code&) { return true; }

  bool on_string_part(boost::json::string_view, std::size_t, error_code&) { return true; }

  bool on_string(boost::json::string_view, std::size_t, error_code&) { return true; }

  bool on_number_part(boost::json::string_view, error_code&) { return true; }

  bool on_int64(std::int64_t, boost::json::string_view, error_code&) { return true; }

  bool on_uint64(std::uint64_t, boost::json::string_view, error_code&) { return true; }

  bool on_double(double, boost::json::string_view, error_code&) { return true; }

  bool on_bool(bool, error_code&) { return true; }

  bool on_null(error_code&) { return true; }

  bool on_comment_part(boost::json::string_view, error_code&) { return true; }

  bool on_comment(boost::json::string_view, error_code&) { return true; }
};

}  // namespace

Result<boost::json::value> ParseJson(std::string_view text, std::size_t max_depth) {
  boost::json::parse_options options;
  options.max_depth = max_depth;
  boost::json::basic_parser<KeyWatcher> watcher(options);
  error_code code;
  const std::size_t used = watcher.write_some(false, text.data(), text.size(), code);
  if (!watcher.handler().repeated.empty()) {
    return Fail(ErrorCode::kCorrupt,
                "the JSON key '" + watcher.handler().repeated + "' is repeated");
  }
  if (code || used != text.size()) {
    return Fail(ErrorCode::kCorrupt,
                "broken JSON at byte " + std::to_string(used) + ": "
                    + (code ? code.message() : std::string("text after the value")));
  }
  boost::json::value value = boost::json::parse({text.data(), text.size()}, code, {}, options);
  if (code) {
    return Fail(ErrorCode::kCorrupt, "broken JSON: " + code.message());
  }
  return value;
}

}  // namespace rondo
