#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "common/core/ids.h"
#include "common/core/result.h"

/// A look at the client's own identity files before a connection needs them.
namespace rondo::client {

struct IdentityPaths {
  std::filesystem::path certificate;
  std::filesystem::path key;
  std::filesystem::path ca;
  std::filesystem::path roster_key;  ///< long-term key that signs this client's protocol messages
};

struct IdentityReport {
  ClientId id;
  std::string authority;  ///< common name of the CA
  std::chrono::system_clock::time_point expires;
  std::chrono::system_clock::time_point authority_since;  ///< no correct clock is earlier
  bool key_is_private = false;                            ///< nobody but the owner may read the key
};

/// Checks that the three files belong together and are valid now.
/// Errors  kNotFound; kCorrupt for files that are no PEM; kInvalidArgument for a key of another
/// certificate;
///         kUnauthenticated for an expired or not yet valid certificate, one of another CA, or no
///         client's.
Result<IdentityReport> InspectIdentity(const IdentityPaths& paths);

/// The command that keeps others on the machine from reading the key.
std::string KeyFix(const IdentityPaths& paths);

}  // namespace rondo::client
