#include <string>

#include "common/data/reader.h"

// Any table with a header: comma, semicolon or tab, whichever the header holds most of; fields may
// be quoted.

namespace rondo {
namespace {

namespace fs = std::filesystem;

Result<std::string> DelimiterOf(const fs::path& path) {
  RONDO_TRY(DelimitedFile file, DelimitedFile::Open(path, {.delimiter = "\n"}));
  if (!file.Next()) {
    return Fail(ErrorCode::kInvalidArgument,
                "'" + path.string() + "' is empty; its first line must be a header");
  }
  std::string best = ",";
  std::size_t most = 0;
  for (const char* const candidate : {",", "\t", ";"}) {
    std::size_t count = 0;
    for (const char c : file.fields().front()) {
      count += c == *candidate ? 1U : 0U;
    }
    if (count > most) {
      most = count;
      best = candidate;
    }
  }
  return best;
}

}  // namespace

bool LooksLikeCsv(const fs::path& path) {
  return !fs::is_directory(path)
         && (path.extension() == ".csv" || path.extension() == ".tsv"
             || path.extension() == ".txt");
}

Status ReadCsv(const fs::path& path, const DataConfig& config, EventBuilder& builder) {
  if (fs::is_directory(path)) {
    return Fail(ErrorCode::kInvalidArgument,
                "data.path '" + path.string() + "' is a folder; name the CSV file itself");
  }
  RONDO_TRY(const std::string delimiter, DelimiterOf(path));
  RONDO_TRY(DelimitedFile file,
            DelimitedFile::Open(path, {.delimiter = delimiter, .quoted = true}));
  file.Next();
  const ColumnDefaults defaults{.user = {"user_id", "userId", "user"},
                                .item = {"item_id", "itemId", "item"},
                                .rating = {"rating"},
                                .time = {"timestamp", "time"},
                                .event = {"event"}};
  RONDO_TRY(const ColumnIndex columns, FindColumns(file.fields(), config, defaults, file.Where()));
  return builder.ReadRows(file, columns);
}

}  // namespace rondo
