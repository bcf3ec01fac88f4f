#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <unistd.h>

#include "common/core/check.h"
#include "common/core/file.h"
#include "common/data/dataset.h"

namespace rondo::testing {

/// A folder of its own for one test, removed at the end.
class DataFolder {
 public:
  DataFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "rondo-data-XXXXXX").string();
    RONDO_CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }

  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;

  ~DataFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }

  std::filesystem::path Write(const std::string& name, std::string_view text) const {
    RONDO_CHECK(WriteTextFile(path_ / name, text).has_value());
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

/// The rows of one user as item ids, "!" for a row outside the catalogue.
inline std::string Ids(const Catalogue& catalogue, std::span<const ItemRow> rows) {
  std::string text;
  for (const ItemRow row : rows) {
    text += (text.empty() ? "" : " ") + (row == 0 ? std::string("!") : catalogue.id(row));
  }
  return text;
}

inline const UserSequence& UserNamed(const Dataset& dataset, std::string_view name) {
  for (const UserSequence& user : dataset.users) {
    if (user.user == name) {
      return user;
    }
  }
  RONDO_CHECK(false) << "no user " << name;
  return dataset.users.front();
}

}  // namespace rondo::testing
