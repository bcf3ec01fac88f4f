#include "client/settings.h"

#include <gtest/gtest.h>

#include "common/core/file.h"
#include "tests/support/temporary_folder.h"

namespace rondo::client::testing {
namespace {

using rondo::testing::TemporaryFolder;

constexpr const char* kSettings = R"([coordinator]
host = "fed.example.org"
port = 7443
[identity]
certificate = "client.crt"
[data]
path = "log"
catalogue = "catalogue.tsv"
[limits]
max_steps = 20
)";

TEST(Settings, LayersFileEnvironmentAndSets) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteTextFile(folder / "client.toml", kSettings).has_value());

  const auto settings = LoadSettings({.file = folder / "client.toml",
                                      .environment = {{"RONDO_LIMITS__MAX_STEPS", "30"}},
                                      .sets = {"coordinator.port=9000"}});

  ASSERT_TRUE(settings.has_value()) << settings.error().message;
  EXPECT_EQ(settings->coordinator.host, "fed.example.org");
  EXPECT_EQ(settings->coordinator.port, 9000);
  EXPECT_EQ(settings->limits.max_steps, 30);
  EXPECT_EQ(settings->identity.certificate, folder / "client.crt");
  EXPECT_EQ(settings->state_folder, folder / "state");
}

TEST(Settings, AnUnknownKeyIsNamedWithItsPlaceAndASuggestion) {
  const TemporaryFolder folder;
  ASSERT_TRUE(
      WriteTextFile(folder / "client.toml", std::string(kSettings) + "max_step = 1\n").has_value());

  const auto settings = LoadSettings({.file = folder / "client.toml"});

  ASSERT_FALSE(settings.has_value());
  EXPECT_EQ(ExitCode(settings.error().code), 4);
  EXPECT_NE(settings.error().message.find("client.toml:11:1"), std::string::npos)
      << settings.error().message;
  EXPECT_NE(settings.error().message.find("max_steps"), std::string::npos)
      << settings.error().message;
}

TEST(Settings, AMissingCatalogueIsNamed) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteTextFile(folder / "client.toml", "[data]\npath = \"log\"\n").has_value());

  const auto settings = LoadSettings({.file = folder / "client.toml"});

  ASSERT_FALSE(settings.has_value());
  EXPECT_NE(settings.error().message.find("data.catalogue"), std::string::npos);
}

}  // namespace
}  // namespace rondo::client::testing
