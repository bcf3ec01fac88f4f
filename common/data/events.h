#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/config/scenario.h"
#include "common/core/result.h"
#include "common/data/dataset.h"

namespace rondo {

/// One row of a behaviour log. `user`, `item` and `kind` index the name lists of its EventTable.
struct LogEvent {
  std::uint32_t user = 0;
  std::uint32_t item = 0;
  std::uint32_t kind = 0;  ///< 0: the file has no event names
  double rating = 0.0;
  double time = 0.0;
};

/// Columns of a `.item` or `.user` file, by id.
struct SideTable {
  std::vector<std::string> columns;
  std::vector<std::string> types;  ///< of the columns, as the file names them; empty: it does not
  std::unordered_map<std::string, std::vector<std::string>> rows;

  bool empty() const { return rows.empty(); }

  std::string_view Value(const std::string& id, std::size_t column) const;
};

/// A behaviour log as read: every good row in file order, before any filter.
struct EventTable {
  std::vector<std::string> users;  ///< in order of first appearance
  std::vector<std::string> items;  ///< same
  std::vector<std::string> kinds = {""};
  std::vector<LogEvent> events;
  bool has_rating = false;
  bool has_time = false;
  SideTable item_table;
  SideTable user_table;
  DataReport report;
};

/// Reads the log that `config.path` names, of `config.format`. Broken rows are counted in the
/// report. Errors  those of CheckDataConfig, so that all that is read later is in range; kNotFound;
/// kIo; kCorrupt above `max_bad_rows`; kInvalidArgument for an unknown format, a wrong header or a
/// folder without exactly one log.
Result<EventTable> ReadEvents(const DataConfig& config);

/// Writes `table` as RecBole atomic files NAME.inter, NAME.item and NAME.user; side files only
/// where there are columns. Errors  kInvalidArgument for an id or event name with a tab or line
/// end; kIo.
Status WriteAtomicFiles(const EventTable& table,
                        const std::filesystem::path& folder,
                        const std::string& name);

}  // namespace rondo
