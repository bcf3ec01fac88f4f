#include <algorithm>
#include <fstream>
#include <map>
#include <vector>

#include "common/config/number_text.h"
#include "common/core/file.h"
#include "common/data/reader.h"
#include "common/data/text.h"

// RecBole atomic files
//
//   NAME.inter := "user_id:token" "\t" "item_id:token" [ "\t" "rating:float" ] [ "\t"
//   "timestamp:float" ]
//                 [ "\t" "event:token" ] "\n" { row }
//   NAME.item, NAME.user := "item_id:token" | "user_id:token", then any columns, each "name:type"
//
// Columns may stand in any order; unknown ones are skipped.

namespace rondo {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> InterFiles(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".inter") {
      found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

Result<SideTable> ReadSideFile(const fs::path& path) {
  if (!fs::exists(path)) {
    return SideTable{};
  }
  RONDO_TRY(DelimitedFile file, DelimitedFile::Open(path, {}));
  if (!file.Next()) {
    return SideTable{};
  }
  const std::vector<std::string> fields = file.fields();
  SideTable table = ReadSideRows(file, HeaderNames(fields));
  for (std::size_t f = 1; f < fields.size(); ++f) {
    const std::size_t colon = fields[f].find(':');
    table.types.push_back(colon == std::string::npos ? "" : fields[f].substr(colon + 1));
  }
  return table;
}

bool AllNumbers(const SideTable& table, std::size_t column) {
  return std::all_of(table.rows.begin(), table.rows.end(), [&](const auto& row) {
    return row.second[column].empty() || ParseNumber(row.second[column]);
  });
}

std::string TypeOf(const SideTable& table, std::size_t column) {
  if (column < table.types.size() && !table.types[column].empty()) {
    return table.types[column];
  }
  if (AllNumbers(table, column)) {
    return "float";
  }
  const bool spaced = std::any_of(table.rows.begin(), table.rows.end(), [&](const auto& row) {
    return row.second[column].find(' ') != std::string::npos;
  });
  return spaced ? "token_seq" : "token";
}

/// Rows in id order, so that equal tables give equal bytes.
std::string SideText(const SideTable& table, const std::string& id_column) {
  std::string text = id_column + ":token";
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    text += "\t" + table.columns[c] + ":" + TypeOf(table, c);
  }
  text += "\n";
  std::vector<const std::pair<const std::string, std::vector<std::string>>*> rows;
  for (const auto& row : table.rows) {
    rows.push_back(&row);
  }
  std::sort(rows.begin(), rows.end(), [](const auto* a, const auto* b) {
    return IdLess(a->first, b->first);
  });
  for (const auto* row : rows) {
    text += TsvCell(row->first);
    for (const std::string& value : row->second) {
      text += "\t" + TsvCell(value);
    }
    text += "\n";
  }
  return text;
}

/// Names stand in the file as they are: two that differ by a tab alone must not become one.
Status CheckNames(const char* what, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (!FitsTsvCell(name)) {
      return Fail(ErrorCode::kInvalidArgument,
                  std::string(what) + " '" + TsvCell(name)
                      + "' holds a tab or line end, which a .inter file cannot; rename it in the "
                        "source");
    }
  }
  return Ok();
}

std::string InterText(const EventTable& table) {
  const bool has_kind = table.kinds.size() > 1;
  std::string text = "user_id:token\titem_id:token";
  text += table.has_rating ? "\trating:float" : "";
  text += table.has_time ? "\ttimestamp:float" : "";
  text += has_kind ? "\tevent:token\n" : "\n";
  for (const LogEvent& event : table.events) {
    text += table.users[event.user] + "\t" + table.items[event.item];
    text += table.has_rating ? "\t" + FormatNumber(event.rating) : "";
    text += table.has_time ? "\t" + FormatNumber(event.time) : "";
    text += has_kind ? "\t" + table.kinds[event.kind] : "";
    text += "\n";
  }
  return text;
}

}  // namespace

bool LooksLikeRecBole(const fs::path& path) {
  return fs::is_directory(path) ? !InterFiles(path).empty() : path.extension() == ".inter";
}

Status ReadRecBole(const fs::path& path, const DataConfig& config, EventBuilder& builder) {
  fs::path inter = path;
  if (fs::is_directory(path)) {
    const std::vector<fs::path> found = InterFiles(path);
    if (found.size() != 1) {
      return Fail(ErrorCode::kInvalidArgument,
                  "folder '" + path.string() + "' holds " + std::to_string(found.size())
                      + " .inter files; name the file itself in data.path");
    }
    inter = found.front();
  }
  RONDO_TRY(DelimitedFile file, DelimitedFile::Open(inter, {}));
  if (!file.Next()) {
    return Fail(ErrorCode::kInvalidArgument,
                "'" + inter.string() + "' is empty; its first line must be a header");
  }
  const ColumnDefaults defaults{.user = {"user_id"},
                                .item = {"item_id"},
                                .rating = {"rating"},
                                .time = {"timestamp"},
                                .event = {"event"}};
  RONDO_TRY(const ColumnIndex columns,
            FindColumns(HeaderNames(file.fields()), config, defaults, file.Where()));
  RONDO_TRY_STATUS(builder.ReadRows(file, columns));
  RONDO_TRY(builder.table().item_table, ReadSideFile(fs::path(inter).replace_extension(".item")));
  RONDO_TRY(builder.table().user_table, ReadSideFile(fs::path(inter).replace_extension(".user")));
  return Ok();
}

Status WriteAtomicFiles(const EventTable& table, const fs::path& folder, const std::string& name) {
  RONDO_TRY_STATUS(CheckNames("user id", table.users));
  RONDO_TRY_STATUS(CheckNames("item id", table.items));
  RONDO_TRY_STATUS(CheckNames("event name", table.kinds));
  RONDO_TRY_STATUS(MakeFolder(folder));
  RONDO_TRY_STATUS(WriteTextFile(folder / (name + ".inter"), InterText(table)));
  if (!table.item_table.empty()) {
    RONDO_TRY_STATUS(
        WriteTextFile(folder / (name + ".item"), SideText(table.item_table, "item_id")));
  }
  if (!table.user_table.empty()) {
    RONDO_TRY_STATUS(
        WriteTextFile(folder / (name + ".user"), SideText(table.user_table, "user_id")));
  }
  return Ok();
}

}  // namespace rondo
