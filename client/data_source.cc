#include "client/data_source.h"

#include <algorithm>
#include <spdlog/spdlog.h>
#include <vector>

namespace rondo::client {
namespace {

namespace fs = std::filesystem;

void AppendStamp(const fs::path& file, std::string& stamp) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  const auto time = fs::last_write_time(file, error);
  if (!error) {
    stamp += file.string() + ' ' + std::to_string(size) + ' '
             + std::to_string(time.time_since_epoch().count()) + '\n';
  }
}

std::string Stamp(const DataConfig& config) {
  std::vector<fs::path> files;
  std::error_code error;
  if (fs::is_directory(config.path, error)) {
    for (const auto& entry : fs::directory_iterator(config.path, error)) {
      files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
  } else {
    files.push_back(config.path);
  }
  files.push_back(config.catalogue);
  files.push_back(config.mapping);
  std::string stamp;
  for (const fs::path& file : files) {
    AppendStamp(file, stamp);
  }
  return stamp;
}

}  // namespace

Result<std::shared_ptr<LoadedData>> FileDataSource::Current() {
  std::string stamp = Stamp(config_);
  if (current_ && stamp == stamp_) {
    return current_;
  }
  auto loaded = LoadData(config_);
  if (!loaded) {
    if (!current_) {
      return Fail(std::move(loaded).error());
    }
    spdlog::warn("the log changed but cannot be read now, the earlier one stays in use: {}",
                 loaded.error().message);
    return current_;
  }
  current_ = std::make_shared<LoadedData>(std::move(loaded).value());
  stamp_ = std::move(stamp);
  return current_;
}

}  // namespace rondo::client
