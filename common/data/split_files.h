#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/config/scenario.h"
#include "common/core/result.h"

namespace rondo {

struct WrittenPart {
  std::filesystem::path file;
  std::uint64_t outside = 0;  ///< events left out: their item is not in the catalogue
};

/// Splits the data set of `config` as LoadData does and writes the parts as atomic files with their
/// ratings and event names:
///
///   OUT/catalogue.tsv
///   OUT/NAME.train.inter, OUT/NAME.valid.inter, OUT/NAME.test.inter
///
/// User by user in id order, each in the order of the split; a position stands in for the time
/// where only the order is known. Negative feedback is in the training part. Returns the three
/// parts. Errors  those of LoadData; kInvalidArgument for an id with a tab or line end; kIo.
Result<std::vector<WrittenPart>> WriteSplit(const DataConfig& config,
                                            const std::filesystem::path& out,
                                            const std::string& name);

}  // namespace rondo
