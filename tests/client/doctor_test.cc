#include "client/doctor.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace rondo::client::testing {
namespace {

using rondo::testing::TemporaryFolder;

TEST(Doctor, EachFaultFailsItsCheckWithAFix) {
  const auto now = std::chrono::system_clock::now();
  const Settings settings;
  const Result<LoadedData> no_data = Fail(ErrorCode::kNotFound, "log.inter does not exist");
  const ItemCoverage strange{.rows = 100, .unknown = 80};
  IdentityReport expiring{
      .id = "hospital", .expires = now + std::chrono::hours(24), .key_is_private = true};
  IdentityReport open_key{.id = "hospital", .expires = now + std::chrono::hours(9999)};
  IdentityReport future{.authority_since = now + std::chrono::hours(48)};
  const Status refused = Fail(ErrorCode::kUnavailable, "connection refused");
  const DeviceInfo slow{.device = "cpu", .blas = "reference", .slow_blas = true};
  const std::vector<Check> checks = {
      CheckData(no_data, settings),
      CheckMapping(strange, settings),
      CheckClock(future, now),
      CheckCertificate(
          Fail(ErrorCode::kUnauthenticated, "the certificate has expired"), settings, now),
      CheckCertificate(expiring, settings, now),
      CheckCertificate(open_key, settings, now),
      CheckReachable(refused, settings.coordinator),
      CheckDisk("/proc/none", 1),
      CheckBlas(slow),
      CheckDevice(Fail(ErrorCode::kUnavailable, "no GPU here"), settings.engine)};

  for (const Check& check : checks) {
    EXPECT_FALSE(check.pass) << check.name << ": " << check.found;
    EXPECT_FALSE(check.fix.empty()) << check.name;
  }
  EXPECT_FALSE(AllPass(checks));
}

TEST(Doctor, AHealthyClientPasses) {
  const TemporaryFolder folder;
  const auto now = std::chrono::system_clock::now();
  const Settings settings;
  LoadedData data;
  data.dataset.users.resize(3);
  data.report = {.rows = 100};
  const IdentityReport identity{.id = "hospital",
                                .expires = now + std::chrono::hours(24 * 300),
                                .authority_since = now - std::chrono::hours(24),
                                .key_is_private = true};
  const DeviceInfo device{.device = "cpu", .blas = "OpenBLAS 0.3.21"};
  const std::vector<Check> checks = {
      CheckData(data, settings),
      CheckMapping(ItemCoverage{.rows = 100, .unknown = 2}, settings),
      CheckClock(identity, now),
      CheckCertificate(identity, settings, now),
      CheckReachable(Ok(), settings.coordinator),
      CheckDisk(folder / "state", 1),
      CheckBlas(device),
      CheckDevice(device, settings.engine)};

  EXPECT_TRUE(AllPass(checks)) << ChecksText(checks);
  EXPECT_NE(ChecksJson(checks).find("\"pass\":true"), std::string::npos);
}

}  // namespace
}  // namespace rondo::client::testing
