#include "common/data/mapping.h"

#include <string>
#include <unordered_map>

#include "common/core/file.h"
#include "common/data/text.h"

namespace rondo {

Status ApplyMapping(const std::filesystem::path& path, EventTable& table) {
  RONDO_TRY(const std::string text, ReadTextFile(path));
  std::unordered_map<std::string, std::string> names;
  for (const auto& [number, line] : NumberedLines(text)) {
    const auto cells = SplitText(line, "\t");
    if (cells.size() != 2) {
      return Fail(ErrorCode::kInvalidArgument,
                  path.string() + ":" + std::to_string(number)
                      + ": a mapping row is own_id, a tab, catalogue_id");
    }
    if (!names.emplace(cells[0], cells[1]).second) {
      return Fail(ErrorCode::kInvalidArgument,
                  path.string() + ":" + std::to_string(number) + ": '" + std::string(cells[0])
                      + "' is mapped twice");
    }
  }
  for (std::string& item : table.items) {
    const auto found = names.find(item);
    item = found == names.end() ? std::string{} : found->second;
  }
  return Ok();
}

Result<ItemCoverage> CountKnownItems(const DataConfig& config) {
  RONDO_TRY(EventTable table, ReadEvents(config));
  if (!config.mapping.empty()) {
    RONDO_TRY_STATUS(ApplyMapping(config.mapping, table));
  }
  RONDO_TRY(const Catalogue catalogue, Catalogue::Read(config.catalogue));
  ItemCoverage coverage{.rows = table.events.size()};
  for (const LogEvent& event : table.events) {
    coverage.unknown += catalogue.Row(table.items[event.item]) == 0 ? 1U : 0U;
  }
  return coverage;
}

}  // namespace rondo
