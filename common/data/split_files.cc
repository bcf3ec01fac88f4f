#include "common/data/split_files.h"

#include <array>
#include <unordered_set>

#include "common/core/file.h"
#include "common/data/dataset.h"
#include "common/data/split.h"

namespace rondo {
namespace {

struct Part {
  const char* name;
  std::vector<LogEvent> events = {};
  std::uint64_t outside = 0;
};

/// Hands the events of the kept users to their parts.
std::array<Part, 3> CutInParts(const SplitLog& log, const Dataset& dataset, bool by_time) {
  std::array<Part, 3> parts = {Part{.name = "train"}, Part{.name = "valid"}, Part{.name = "test"}};
  std::unordered_set<std::string> kept;
  for (const UserSequence& user : dataset.users) {
    kept.insert(user.user);
  }
  for (const OrderedUser& user : log.users) {
    if (!kept.contains(log.table.users[user.user])) {
      continue;
    }
    for (std::size_t p = 0; p < user.events.size(); ++p) {
      Part& part = parts[p < user.validation ? 0 : p < user.test ? 1 : 2];
      LogEvent event = log.table.events[user.events[p]];
      event.time = by_time ? event.time : static_cast<double>(p);
      if (dataset.catalogue->Row(log.table.items[event.item]) == 0) {
        ++part.outside;
      } else {
        part.events.push_back(event);
      }
    }
  }
  return parts;
}

}  // namespace

Result<std::vector<WrittenPart>> WriteSplit(const DataConfig& config,
                                            const std::filesystem::path& out,
                                            const std::string& name) {
  RONDO_TRY(const LoadedData loaded, LoadData(config));
  RONDO_TRY(SplitLog log, ReadSplitLog(config));
  std::array<Part, 3> parts = CutInParts(log, loaded.dataset, config.order == "time");
  EventTable table = std::move(log.table);
  table.has_time = true;
  table.item_table = {};
  table.user_table = {};
  std::vector<WrittenPart> written;
  for (Part& part : parts) {
    table.events = std::move(part.events);
    const std::string part_name = name + "." + part.name;
    RONDO_TRY_STATUS(WriteAtomicFiles(table, out, part_name));
    written.push_back({.file = out / (part_name + ".inter"), .outside = part.outside});
  }
  RONDO_TRY_STATUS(WriteTextFile(out / "catalogue.tsv", loaded.dataset.catalogue->text()));
  return written;
}

}  // namespace rondo
