#include "common/data/reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/config/number_text.h"
#include "common/config/validate.h"
#include "common/data/time_text.h"

namespace rondo {
namespace {

constexpr std::size_t kKeptExamples = 5;

struct Format {
  const char* name;
  bool (*looks_like)(const std::filesystem::path&);
  Status (*read)(const std::filesystem::path&, const DataConfig&, EventBuilder&);
};

/// A new format is one entry here. `format = "auto"` takes the first that knows the path.
constexpr std::array kFormats = {
    Format{.name = "recbole", .looks_like = LooksLikeRecBole, .read = ReadRecBole},
    Format{.name = "movielens", .looks_like = LooksLikeMovieLens, .read = ReadMovieLens},
    Format{.name = "csv", .looks_like = LooksLikeCsv, .read = ReadCsv},
};

std::string Join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : ", ") + word;
  }
  return text;
}

int IndexOf(const std::vector<std::string>& header, const std::string& name) {
  const auto found = std::find(header.begin(), header.end(), name);
  return found == header.end() ? -1 : static_cast<int>(found - header.begin());
}

struct Wanted {
  const char* key;
  int ColumnIndex::*slot;
  const std::vector<std::string>& names;
  bool required;
};

std::uint32_t Intern(std::unordered_map<std::string, std::uint32_t>& known,
                     std::vector<std::string>& names,
                     const std::string& name) {
  const auto [entry, fresh] = known.try_emplace(name, static_cast<std::uint32_t>(names.size()));
  if (fresh) {
    names.push_back(name);
  }
  return entry->second;
}

Result<const Format*> ChooseFormat(const DataConfig& config) {
  for (const Format& format : kFormats) {
    if (config.format == format.name
        || (config.format == "auto" && format.looks_like(config.path))) {
      return &format;
    }
  }
  if (config.format == "auto") {
    return Fail(ErrorCode::kInvalidArgument,
                "cannot tell the format of '" + config.path.string()
                    + "': no .inter file, u.data, ratings.csv, .csv or .tsv; set data.format");
  }
  return Fail(
      ErrorCode::kInvalidArgument,
      "data.format '" + config.format + "' is unknown; use auto, recbole, movielens or csv");
}

}  // namespace

std::string_view SideTable::Value(const std::string& id, std::size_t column) const {
  const auto row = rows.find(id);
  return row == rows.end() ? std::string_view{} : std::string_view(row->second[column]);
}

Result<ColumnIndex> FindColumns(const std::vector<std::string>& header,
                                const DataConfig& config,
                                const ColumnDefaults& defaults,
                                const std::string& where) {
  ColumnIndex columns{.width = header.size()};
  const std::array wanted = {
      Wanted{"user", &ColumnIndex::user, defaults.user, true},
      Wanted{"item", &ColumnIndex::item, defaults.item, true},
      Wanted{"rating", &ColumnIndex::rating, defaults.rating, false},
      Wanted{"time", &ColumnIndex::time, defaults.time, false},
      Wanted{"event", &ColumnIndex::event, defaults.event, false},
  };
  for (const Wanted& want : wanted) {
    const auto mapped = config.columns.find(want.key);
    const bool is_mapped = mapped != config.columns.end();
    const std::vector<std::string> names = is_mapped ? std::vector{mapped->second} : want.names;
    for (std::size_t n = 0; n < names.size() && columns.*want.slot < 0; ++n) {
      columns.*want.slot = IndexOf(header, names[n]);
    }
    if (columns.*want.slot < 0 && (want.required || is_mapped)) {
      return Fail(ErrorCode::kInvalidArgument,
                  where + ": the header has no " + want.key + " column '" + names.front()
                      + "' (it has: " + Join(header) + "); name it with data.columns." + want.key);
    }
  }
  return columns;
}

std::string EventBuilder::FaultOf(const DelimitedFile& file,
                                  const ColumnIndex& columns,
                                  LogEvent& event) {
  const auto& fields = file.fields();
  if (!file.well_quoted()) {
    return "a quoted field does not end on its line";
  }
  if (fields.size() != columns.width) {
    return "has " + std::to_string(fields.size()) + " fields, not " + std::to_string(columns.width);
  }
  const auto field = [&](int index) -> const std::string& {
    return fields[static_cast<std::size_t>(index)];
  };
  if (field(columns.user).empty() || field(columns.item).empty()) {
    return "an empty user or item id";
  }
  if (columns.rating >= 0 && !field(columns.rating).empty()) {
    const auto rating = ParseNumber(field(columns.rating));
    if (!rating) {
      return "rating '" + field(columns.rating) + "' is no number";
    }
    event.rating = *rating;
  }
  if (columns.time >= 0) {
    const auto time = ParseTime(field(columns.time));
    if (!time) {
      return "time '" + field(columns.time) + "' is neither Unix seconds nor ISO 8601";
    }
    event.time = *time;
  }
  return {};
}

Status EventBuilder::CountBad(const std::string& where, const std::string& reason) {
  DataReport& report = table_.report;
  ++report.bad_rows;
  if (report.bad_row_examples.size() < kKeptExamples) {
    report.bad_row_examples.push_back(where + ": " + reason);
  }
  if (report.bad_rows > static_cast<std::uint64_t>(std::max(max_bad_rows_, 0))) {
    return Fail(ErrorCode::kCorrupt,
                "more than " + std::to_string(max_bad_rows_) + " broken rows, the first at "
                    + report.bad_row_examples.front()
                    + "; check data.format and data.columns or raise data.max_bad_rows");
  }
  return Ok();
}

Status EventBuilder::ReadRows(DelimitedFile& file, const ColumnIndex& columns) {
  table_.has_rating = columns.rating >= 0;
  table_.has_time = columns.time >= 0;
  while (file.Next()) {
    ++table_.report.rows;
    LogEvent event;
    const std::string fault = FaultOf(file, columns, event);
    if (!fault.empty()) {
      RONDO_TRY_STATUS(CountBad(file.Where(), fault));
      continue;
    }
    const auto& fields = file.fields();
    event.user = Intern(users_, table_.users, fields[static_cast<std::size_t>(columns.user)]);
    event.item = Intern(items_, table_.items, fields[static_cast<std::size_t>(columns.item)]);
    if (columns.event >= 0) {
      event.kind = Intern(kinds_, table_.kinds, fields[static_cast<std::size_t>(columns.event)]);
    }
    table_.events.push_back(event);
  }
  return Ok();
}

Result<EventTable> EventBuilder::Take() && {
  if (table_.events.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "the data set has no usable row (" + std::to_string(table_.report.rows) + " read, "
                    + std::to_string(table_.report.bad_rows) + " broken)");
  }
  return std::move(table_);
}

Result<EventTable> ReadEvents(const DataConfig& config) {
  RONDO_TRY_STATUS(CheckDataConfig(config));
  std::error_code error;
  if (config.path.empty() || !std::filesystem::exists(config.path, error)) {
    return Fail(
        ErrorCode::kNotFound,
        "data.path '" + config.path.string() + "' does not exist; name a log file or its folder");
  }
  RONDO_TRY(const Format* const format, ChooseFormat(config));
  EventBuilder builder(config.max_bad_rows);
  RONDO_TRY_STATUS(format->read(config.path, config, builder));
  return std::move(builder).Take();
}

}  // namespace rondo
