#include "client/doctor.h"

#include <algorithm>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "common/core/file.h"
#include "common/core/host_port.h"

namespace rondo::client {
namespace {

using SystemTime = std::chrono::system_clock::time_point;

// More unknown items than this mean that ids are spelled differently, not that the catalogue lags
// behind.
constexpr double kMaxUnknownShare = 0.5;
// `run` renews earlier, so that less than this means that it does not run or is refused.
constexpr auto kRenewBefore = std::chrono::hours(24 * 7);
constexpr double kMiB = 1024.0 * 1024.0;

Check Pass(std::string name, std::string found) {
  return {.name = std::move(name), .pass = true, .found = std::move(found)};
}

Check FailCheck(std::string name, std::string found, std::string fix) {
  return {.name = std::move(name), .pass = false, .found = std::move(found), .fix = std::move(fix)};
}

std::string Day(SystemTime time) {
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

const char* FixOfConnection(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnauthenticated:
      return "see certificate; identity.ca must be the operator's file, and coordinator.host the "
             "name in its certificate";
    case ErrorCode::kFailedPrecondition:
      return "get the operator's catalogue.tsv and name it in data.catalogue";
    case ErrorCode::kUnsupported:
      return "install the same release as the coordinator";
    case ErrorCode::kNotFound:
    case ErrorCode::kInvalidArgument:
      return "correct the path in section [data] or [identity]";
    default:
      return "correct section [coordinator], open the firewall for outgoing TCP, or ask the "
             "operator whether it runs";
  }
}

}  // namespace

Check CheckData(const Result<LoadedData>& data, const Settings& settings) {
  if (!data) {
    return FailCheck(
        "data", data.error().message, "correct section [data] of the settings, or the log itself");
  }
  const DataReport& report = data->report;
  const std::size_t users = data->dataset.users.size();
  std::string found = fmt::format("{} rows, {} users, {} broken rows, {} users with too few events",
                                  report.rows,
                                  users,
                                  report.bad_rows,
                                  report.users_dropped);
  if (users < static_cast<std::size_t>(settings.limits.min_users)) {
    return FailCheck(
        "data",
        std::move(found),
        fmt::format("limits.min_users = {} keeps this client out of every round; lower it or "
                    "wait for more users",
                    settings.limits.min_users));
  }
  return Pass("data", std::move(found));
}

Check CheckMapping(const Result<ItemCoverage>& coverage, const Settings& settings) {
  if (!coverage) {
    return FailCheck(
        "mapping", coverage.error().message, "correct data.path, data.mapping or data.catalogue");
  }
  const double rows = std::max(1.0, static_cast<double>(coverage->rows));
  const double share = static_cast<double>(coverage->unknown) / rows;
  std::string found =
      fmt::format("{:.1f} % of the rows name an item outside the catalogue", 100.0 * share);
  if (share > kMaxUnknownShare) {
    const bool mapped = !settings.data.mapping.empty();
    return FailCheck(
        "mapping",
        std::move(found),
        mapped ? "add the missing ids to " + settings.data.mapping.string()
               : "your ids differ from the catalogue's; set data.mapping to a file with columns "
                 "own id, catalogue id");
  }
  return Pass("mapping", std::move(found));
}

Check CheckClock(const Result<IdentityReport>& identity, SystemTime now) {
  // A federation's own certificate is the one date both sides agree on.
  if (identity && now < identity->authority_since) {
    return FailCheck("clock",
                     fmt::format("it is {} here, but the federation began on {}",
                                 Day(now),
                                 Day(identity->authority_since)),
                     "set the clock, for example with 'timedatectl set-ntp true'");
  }
  return Pass("clock", Day(now) + (identity ? ", after the start of the federation" : ""));
}

Check CheckCertificate(const Result<IdentityReport>& identity,
                       const Settings& settings,
                       SystemTime now) {
  if (!identity) {
    return FailCheck("certificate",
                     identity.error().message,
                     "correct section [identity], or ask the operator for a new certificate");
  }
  const std::string found = fmt::format("client '{}' of '{}', valid until {}",
                                        identity->id,
                                        identity->authority,
                                        Day(identity->expires));
  if (!identity->key_is_private) {
    return FailCheck("certificate",
                     found + ", but others on this machine can read the key",
                     KeyFix(settings.identity));
  }
  if (identity->expires < now + kRenewBefore) {
    return FailCheck(
        "certificate", found, "it ends soon; renew it with 'rondo-client enroll --renew'");
  }
  return Pass("certificate", found);
}

Check CheckReachable(const Status& joined, const CoordinatorAddress& address) {
  const std::string where = HostPort(address.host, address.port);
  if (joined) {
    return Pass("reachability", where + " accepts this client and its catalogue");
  }
  return FailCheck(
      "reachability", where + ": " + joined.error().message, FixOfConnection(joined.error().code));
}

Check CheckDisk(const std::filesystem::path& folder, std::uint64_t bytes_needed) {
  const std::filesystem::path probe = folder / ".doctor";
  Status written = MakeFolder(folder);
  if (written) {
    written = WriteTextFile(probe, "probe");
  }
  if (!written) {
    return FailCheck(
        "disk", written.error().message, "set state.folder to a folder this user can write");
  }
  std::error_code error;
  std::filesystem::remove(probe, error);
  const auto space = std::filesystem::space(folder, error);
  const double free = static_cast<double>(space.available) / kMiB;
  const double needed = static_cast<double>(bytes_needed) / kMiB;
  std::string found =
      fmt::format("{:.0f} MiB free in {}, {:.0f} MiB needed", free, folder.string(), needed);
  if (!error && free < needed) {
    return FailCheck("disk", std::move(found), "free some space or move state.folder");
  }
  return Pass("disk", std::move(found));
}

Check CheckBlas(const Result<DeviceInfo>& device) {
  if (!device) {
    return FailCheck("blas", "LibTorch did not start", "see device");
  }
  if (device->slow_blas) {
    return FailCheck("blas",
                     device->blas + ", about ten times slower than OpenBLAS",
                     "apt-get install libopenblas0-pthread");
  }
  return Pass("blas", device->blas);
}

Check CheckDevice(const Result<DeviceInfo>& device, const EngineConfig& engine) {
  if (!device) {
    return FailCheck("device", device.error().message, "set client.device to \"auto\" or \"cpu\"");
  }
  return Pass("device", device->device + " (client.device = \"" + engine.device + "\")");
}

bool AllPass(const std::vector<Check>& checks) {
  return std::all_of(checks.begin(), checks.end(), [](const Check& check) { return check.pass; });
}

std::string ChecksText(const std::vector<Check>& checks) {
  std::string text;
  for (const Check& check : checks) {
    text += fmt::format("{}  {:<13} {}\n", check.pass ? "PASS" : "FAIL", check.name, check.found);
    if (!check.pass) {
      text += fmt::format("      {:<13} fix: {}\n", "", check.fix);
    }
  }
  return text;
}

std::string ChecksJson(const std::vector<Check>& checks) {
  namespace json = boost::json;
  json::array list;
  for (const Check& check : checks) {
    list.push_back(json::object{
        {"name", check.name}, {"pass", check.pass}, {"found", check.found}, {"fix", check.fix}});
  }
  const json::object object{
      {"schema_version", 1}, {"pass", AllPass(checks)}, {"checks", std::move(list)}};
  return json::serialize(object) + "\n";
}

}  // namespace rondo::client
