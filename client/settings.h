#pragma once

#include <filesystem>
#include <string>

#include "client/certificate.h"
#include "client/limits.h"
#include "common/config/binder.h"
#include "common/config/scenario.h"

/// client.toml: everything one institution or person decides for itself.
namespace rondo::client {

struct CoordinatorAddress {
  std::string host = "localhost";
  int port = 7443;
  double connect_timeout_s = 10.0;
  double retry_for_s = 0.0;  ///< give up after this long without a connection; 0: never
};

struct Settings {
  CoordinatorAddress coordinator;
  IdentityPaths identity;
  std::string governance;  ///< identity.governance: key that signs rosters, hexadecimal
  DataConfig data;
  EngineConfig engine;  ///< section `client`: device, precision, threads, memory_mib
  Limits limits;
  std::filesystem::path state_folder;
};

void BindSettings(Settings& settings, Binder& binder);

/// Loads, layers (built-in < file < RONDO_SECTION__KEY < --set) and checks a client.toml.
/// Errors  kNotFound; kInvalidArgument with "file:line:column" and a suggestion for unknown or
/// wrong keys,
///         or naming the key that is missing.
Result<Settings> LoadSettings(const ConfigSources& sources);

}  // namespace rondo::client
