#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "common/config/scenario.h"
#include "common/core/result.h"
#include "common/data/dataset.h"

namespace rondo::client {

/// Where the client's own behaviour log comes from. Rows never leave the process that holds this.
class DataSource {
 public:
  virtual ~DataSource() = default;

  /// The newest state of the log. Called once a task, from any one thread at a time.
  virtual Result<std::shared_ptr<LoadedData>> Current() = 0;
};

/// The log and the mapping as files. Read again only when a file under `config.path` or the mapping
/// has another size or modification time; a log that is broken at that moment (half written, say)
/// leaves the last good one in use, with a warning.
class FileDataSource : public DataSource {
 public:
  explicit FileDataSource(DataConfig config) : config_(std::move(config)) {}

  Result<std::shared_ptr<LoadedData>> Current() override;

 private:
  DataConfig config_;
  std::shared_ptr<LoadedData> current_;
  std::string stamp_;  ///< names, sizes and times of the files behind current_
};

}  // namespace rondo::client
