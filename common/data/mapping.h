#pragma once

#include <cstdint>
#include <filesystem>

#include "common/core/result.h"
#include "common/data/events.h"

namespace rondo {

/// mapping := { own_id "\t" catalogue_id "\n" }. Renames the items of `table`; ids that the file
/// lacks become "", which no catalogue holds. Errors  kNotFound; kIo; kInvalidArgument for another
/// form or an id that is mapped twice.
Status ApplyMapping(const std::filesystem::path& path, EventTable& table);

/// How well a log and a public list fit, whatever becomes of the users.
struct ItemCoverage {
  std::uint64_t rows = 0;     ///< good rows of the log
  std::uint64_t unknown = 0;  ///< of these, with an item that mapping or catalogue lack
};

/// Reads log, mapping and catalogue of `config`. Errors  theirs.
Result<ItemCoverage> CountKnownItems(const DataConfig& config);

}  // namespace rondo
