#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "common/core/check.h"
#include "common/core/file.h"
#include "common/data/dataset.h"
#include "tests/support/temporary_folder.h"

namespace rondo::testing {

/// A folder of its own for one test.
class DataFolder : public TemporaryFolder {
 public:
  std::filesystem::path Write(const std::string& name, std::string_view text) const {
    RONDO_CHECK(WriteTextFile(path() / name, text).has_value());
    return path() / name;
  }
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
