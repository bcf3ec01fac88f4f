#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace rondo {

/// Where configuration comes from, weakest first: built-in values, file, environment, --set.
struct ConfigSources {
  std::filesystem::path file;  ///< empty: built-in values only
  std::map<std::string, std::string>
      environment;                ///< RONDO_SECTION__KEY only; other names are no keys
  std::vector<std::string> sets;  ///< "section.key=value"; value in TOML, bare words are strings
};

/// The variables of this process that are configuration keys: RONDO_SECTION__KEY, or RONDO__KEY for
/// a key outside any section. Names without `__`, such as RONDO_DATA, are left out.
std::map<std::string, std::string> ConfigEnvironment();

}  // namespace rondo
