#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/core/result.h"
#include "common/data/events.h"

/// What the format readers share. Private to common/data.
namespace rondo {

struct Dialect {
  std::string delimiter = "\t";
  bool quoted = false;  ///< "a ""b""" fields, as in CSV; a quoted field ends on its own line
  bool latin1 = false;  ///< bytes above 127 are Latin-1 and become UTF-8
};

/// A text file of delimited rows. Byte-order mark and carriage returns are dropped, empty lines
/// skipped.
class DelimitedFile {
 public:
  static Result<DelimitedFile> Open(const std::filesystem::path& path, Dialect dialect);

  bool Next();  ///< false at the end

  const std::vector<std::string>& fields() const { return fields_; }

  bool well_quoted() const { return well_quoted_; }

  std::string Where() const;  ///< "name:line"

 private:
  DelimitedFile() = default;
  void Cut();

  Dialect dialect_;
  std::string name_;
  std::ifstream stream_;
  std::string line_;
  std::uint64_t number_ = 0;
  std::vector<std::string> fields_;
  bool well_quoted_ = true;
};

/// Which field holds what; -1: absent. `width` is the number of fields of a whole row.
struct ColumnIndex {
  int user = -1;
  int item = -1;
  int rating = -1;
  int time = -1;
  int event = -1;
  std::size_t width = 0;
};

/// Header names tried for a column that the configuration does not map, first match wins.
struct ColumnDefaults {
  std::vector<std::string> user, item, rating, time, event;
};

/// Finds the columns of a header. `config.columns` wins over the defaults.
/// Errors  kInvalidArgument: a column is missing (the message lists the header).
Result<ColumnIndex> FindColumns(const std::vector<std::string>& header,
                                const DataConfig& config,
                                const ColumnDefaults& defaults,
                                const std::string& where);

/// Collects rows into an EventTable and counts the broken ones.
class EventBuilder {
 public:
  explicit EventBuilder(int max_bad_rows) : max_bad_rows_(max_bad_rows) {}

  /// Reads all rows that are left in `file`.
  /// Errors  kCorrupt: more than `max_bad_rows` broken rows.
  Status ReadRows(DelimitedFile& file, const ColumnIndex& columns);

  EventTable& table() { return table_; }

  Result<EventTable> Take() &&;

 private:
  static std::string FaultOf(const DelimitedFile& file,
                             const ColumnIndex& columns,
                             LogEvent& event);
  Status CountBad(const std::string& where, const std::string& reason);

  EventTable table_;
  std::unordered_map<std::string, std::uint32_t> users_;
  std::unordered_map<std::string, std::uint32_t> items_;
  std::unordered_map<std::string, std::uint32_t> kinds_ = {{"", 0}};
  int max_bad_rows_;
};

/// Reads the rest of `file` as side table; `columns` are the names of its fields, the first being
/// the id.
SideTable ReadSideRows(DelimitedFile& file, const std::vector<std::string>& columns);

/// Names of a header without their RecBole types: "user_id:token" gives "user_id".
std::vector<std::string> HeaderNames(const std::vector<std::string>& fields);

/// The readers; each fills the builder, side tables included.
Status ReadRecBole(const std::filesystem::path& path,
                   const DataConfig& config,
                   EventBuilder& builder);
Status ReadMovieLens(const std::filesystem::path& path,
                     const DataConfig& config,
                     EventBuilder& builder);
Status ReadCsv(const std::filesystem::path& path, const DataConfig& config, EventBuilder& builder);

/// Whether a reader knows the path by its name or content; the table in load order is in reader.cc.
bool LooksLikeRecBole(const std::filesystem::path& path);
bool LooksLikeMovieLens(const std::filesystem::path& path);
bool LooksLikeCsv(const std::filesystem::path& path);

}  // namespace rondo
