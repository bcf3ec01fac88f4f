#include "simulations/epsilon_command.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

/// `rondo-sim epsilon`, from its flags to what it prints.
namespace rondo::sim {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Ending {
  Status status = Ok();
  std::string out;
};

Ending RunCommandLine(std::vector<std::string> words) {
  CLI::App app;
  Action action;
  AddEpsilonCommand(app, action);
  words.insert(words.begin(), "epsilon");
  std::reverse(words.begin(), words.end());
  Ending end;
  ::testing::internal::CaptureStdout();
  try {
    app.parse(words);
    end.status = action();
  } catch (const CLI::ParseError& error) {
    end.status = Fail(ErrorCode::kInvalidArgument, error.what());
  }
  std::fflush(stdout);
  end.out = ::testing::internal::GetCapturedStdout();
  return end;
}

boost::json::object Json(std::vector<std::string> words) {
  words.emplace_back("--json");
  const Ending end = RunCommandLine(std::move(words));
  EXPECT_TRUE(end.status) << end.status.error().message;
  return end.status ? boost::json::parse(end.out).as_object() : boost::json::object();
}

const std::vector<std::string> kBase = {"--q", "0.04", "--rounds", "2250"};

std::vector<std::string> With(std::vector<std::string> words) {
  words.insert(words.begin(), kBase.begin(), kBase.end());
  return words;
}

TEST(EpsilonCommandTest, PrintsEpsilonAndOrder) {
  const auto rdp = Json(With({"--sigma", "1.5", "--delta", "1e-5", "--accountant", "rdp"}));
  EXPECT_NEAR(rdp.at("epsilon").as_double(), 7.32911117143, 1e-7);
  EXPECT_EQ(rdp.at("order").as_double(), 3.9);
  const auto pld = Json(With({"--sigma", "1.5", "--delta", "1e-5", "--accountant", "pld"}));
  EXPECT_NEAR(pld.at("epsilon").as_double(), 6.768, 2e-3);
  EXPECT_TRUE(pld.at("order").is_null());
}

TEST(EpsilonCommandTest, EpsilonGivesDeltaAndTargetGivesSigma) {
  const auto delta =
      Json(With({"--sigma", "1.5", "--epsilon", "7.32911117143", "--accountant", "rdp"}));
  EXPECT_NEAR(delta.at("delta").as_double(), 1e-5, 1e-12);
  const auto sigma =
      Json(With({"--target-epsilon", "7.32911117143", "--delta", "1e-5", "--accountant", "rdp"}));
  EXPECT_NEAR(sigma.at("sigma").as_double(), 1.5, 1e-7);
}

TEST(EpsilonCommandTest, SensitivityScalesSigma) {
  const auto one =
      Json(With({"--sigma", "9", "--sensitivity", "6", "--delta", "1e-5", "--accountant", "rdp"}));
  EXPECT_NEAR(one.at("epsilon").as_double(), 7.32911117143, 1e-7);
  const auto sigma = Json(With({"--target-epsilon",
                                "7.32911117143",
                                "--sensitivity",
                                "6",
                                "--delta",
                                "1e-5",
                                "--accountant",
                                "rdp"}));
  EXPECT_NEAR(sigma.at("sigma").as_double(), 9.0, 1e-6);
}

TEST(EpsilonCommandTest, SaysWhatTheUnitIsAndWhatSamplingIsAssumed) {
  const Ending sampled =
      RunCommandLine(With({"--sigma", "1.5", "--delta", "1e-5", "--accountant", "rdp"}));
  EXPECT_THAT(sampled.out, StartsWith("epsilon\t7.329111171"));
  EXPECT_THAT(sampled.out, HasSubstr("\norder\t3.9\nunit\tone unit (a user"));
  EXPECT_THAT(sampled.out, HasSubstr("in secret; otherwise use --q 1"));
  const Ending whole = RunCommandLine(
      {"--q", "1", "--rounds", "2", "--sigma", "0.7", "--delta", "1e-5", "--accountant", "pld"});
  EXPECT_THAT(whole.out, HasSubstr("no secret sampling is needed"));
  EXPECT_THAT(whole.out, StartsWith("epsilon\t10.12249458"));
}

TEST(EpsilonCommandTest, RefusesWithOneSentenceAndExitCode4) {
  struct Case {
    std::vector<std::string> words;
    std::string says;
  };

  const std::vector<Case> cases = {
      {With({"--sigma", "1", "--accountant", "rdp"}), "give --delta"},
      {With({"--delta", "1e-5", "--accountant", "rdp"}), "give --sigma"},
      {With({"--sigma", "1", "--delta", "1e-5", "--epsilon", "1", "--accountant", "rdp"}),
       "leave --delta out"},
      {With({"--sigma", "1", "--delta", "1e-5", "--target-epsilon", "1", "--accountant", "rdp"}),
       "leave --sigma out"},
      {With({"--epsilon", "1", "--target-epsilon", "1", "--accountant", "rdp"}), "one of them"},
      {With({"--sigma", "1", "--delta", "1e-5", "--accountant", "prv"}), "unknown 'prv'"},
      {With({"--sigma", "1", "--delta", "2", "--accountant", "rdp"}), "delta is 2"},
      {With({"--sigma", "-1", "--delta", "1e-5", "--accountant", "pld"}), "noise multiplier"},
      {With({"--sigma", "1", "--sensitivity", "0", "--delta", "1e-5", "--accountant", "pld"}),
       "--sensitivity is 0"},
      {With({"--sigma", "1", "--delta", "1e-5"}), "--accountant is required"},
  };
  for (const Case& bad : cases) {
    const Ending end = RunCommandLine(bad.words);
    ASSERT_FALSE(end.status) << bad.says;
    EXPECT_EQ(ExitCode(end.status.error().code), 4);
    EXPECT_THAT(end.status.error().message, HasSubstr(bad.says));
    EXPECT_TRUE(end.out.empty()) << end.out;
  }
}

}  // namespace
}  // namespace rondo::sim
