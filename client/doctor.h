#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/certificate.h"
#include "client/settings.h"
#include "common/core/result.h"
#include "common/data/dataset.h"
#include "common/data/mapping.h"
#include "common/model/trainer.h"

/// Examinations of everything a client depends on. Each is a pure function of what was found, so
/// that the verdicts are tested without a broken machine.
namespace rondo::client {

struct Check {
  std::string name;
  bool pass = false;
  std::string found;
  std::string fix;  ///< what to do; empty if it passed
};

Check CheckData(const Result<LoadedData>& data, const Settings& settings);
Check CheckMapping(const Result<ItemCoverage>& coverage, const Settings& settings);
Check CheckClock(const Result<IdentityReport>& identity, std::chrono::system_clock::time_point now);
Check CheckCertificate(const Result<IdentityReport>& identity,
                       const Settings& settings,
                       std::chrono::system_clock::time_point now);

/// `joined` is the end of ProbeCoordinator, or of the attempt to get there.
Check CheckReachable(const Status& joined, const CoordinatorAddress& address);

/// Writes and removes a file in the state folder, and looks at the free space.
Check CheckDisk(const std::filesystem::path& folder, std::uint64_t bytes_needed);

Check CheckBlas(const Result<DeviceInfo>& device);
Check CheckDevice(const Result<DeviceInfo>& device, const EngineConfig& engine);

bool AllPass(const std::vector<Check>& checks);

/// One line a check, with the fix below a failed one.
std::string ChecksText(const std::vector<Check>& checks);

/// {"schema_version", "pass", "checks": [{"name", "pass", "found", "fix"}]}
std::string ChecksJson(const std::vector<Check>& checks);

}  // namespace rondo::client
