// Finished lists: files that break their format, and the command line around them.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <iostream>
#include <memory>
#include <sstream>

#include <gtest/gtest.h>

#include "common/core/file.h"
#include "common/io/json.h"
#include "common/metrics/list_metrics.h"
#include "simulations/metrics_command.h"
#include "tests/support/temporary_folder.h"

namespace rondo {
namespace {

class ListsTest : public ::testing::Test {
 protected:
  std::filesystem::path Write(const std::string& name, const std::string& text) const {
    EXPECT_TRUE(WriteTextFile(folder_ / name, text));
    return folder_ / name;
  }

  testing::TemporaryFolder folder_;
};

TEST_F(ListsTest, ReadsColumnsInAnyOrderAndWindowsLineEnds) {
  const auto path =
      Write("r.tsv", "score\tnote\titem_id\tuser_id\r\n1.5\t\ti1\tu1\r\n-2e-1\tx\ti2\tu1\r\n\r\n");
  const Recommendations lists = ReadRecommendations(path).value();
  ASSERT_EQ(lists.at("u1").size(), 2U);
  EXPECT_EQ(lists.at("u1")[1].item, "i2");
  EXPECT_EQ(lists.at("u1")[1].score, -0.2);
}

TEST_F(ListsTest, NamesFileAndLineOfWhatIsBroken) {
  const auto no_column = ReadRecommendations(Write("a.tsv", "user_id\titem_id\nu\ti\n"));
  EXPECT_EQ(no_column.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(no_column.error().message.find("a.tsv:1: the header lacks"), std::string::npos);
  const auto no_number =
      ReadRecommendations(Write("b.tsv", "user_id\titem_id\tscore\nu\ti\t1\nu\ti\tbest\n"));
  EXPECT_NE(no_number.error().message.find("b.tsv:3: the score \"best\" is no number"),
            std::string::npos);
  const auto short_row = ReadTruth(Write("c.tsv", "user_id\titem_id\nu\n"));
  EXPECT_NE(short_row.error().message.find("c.tsv:2"), std::string::npos);
  EXPECT_EQ(ReadTruth(Write("d.tsv", "")).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(ReadTruth(folder_ / "missing.tsv").error().code, ErrorCode::kNotFound);
}

TEST_F(ListsTest, TiesGoByTheBytesOfTheIdAndRepeatsCountOnce) {
  const Recommendations lists = {
      {"u", {{"b", 1.0}, {"a", 1.0}, {"a", 1.0}, {"c", 0.5}, {"B", 1.0}}}};
  const std::vector<int> k = {3};  // B, a, b
  EXPECT_EQ(ScoreLists(lists, {{"u", {"c"}}}, k).value().metrics[0].second, 0.0);
  EXPECT_EQ(ScoreLists(lists, {{"u", {"b"}}}, k).value().metrics[2].second, 1.0 / 3.0);
}

TEST_F(ListsTest, NanScoresComeLast) {
  const Recommendations lists = {{"u", {{"a", std::nan("")}, {"b", -1e9}}}};
  const std::vector<int> k = {1};
  EXPECT_EQ(ScoreLists(lists, {{"u", {"b"}}}, k).value().metrics[0].second, 1.0);
}

TEST_F(ListsTest, RefusesEmptyTruthAndWrongK) {
  const std::vector<int> zero = {0};
  const std::vector<int> five = {5};
  EXPECT_EQ(ScoreLists({}, {}, five).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ScoreLists({}, {{"u", {"i"}}}, zero).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ScoreLists({}, {{"u", {"i"}}}, {}).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(ListsTest, CommandPrintsOneJsonObject) {
  CLI::App app;
  Action action;
  sim::AddMetricsCommand(app, action);
  const std::string golden = RONDO_GOLDEN_DIR "/lists/";
  app.parse("metrics --recommendations " + golden + "recommendations.tsv --truth " + golden
            + "truth.tsv --k 5,10 --json");
  ASSERT_TRUE(action);
  ::testing::internal::CaptureStdout();
  const Status done = action();
  const std::string printed = ::testing::internal::GetCapturedStdout();
  ASSERT_TRUE(done);
  const boost::json::value value = ParseJson(printed.substr(0, printed.find('\n'))).value();
  const boost::json::object& object = value.as_object();
  EXPECT_EQ(object.at("schema_version").as_int64(), 1);
  EXPECT_EQ(object.size(), 2U + 2U * 7U);
  EXPECT_TRUE(object.contains("map@10"));
  EXPECT_FALSE(object.contains("hr@1"));
}

}  // namespace
}  // namespace rondo
