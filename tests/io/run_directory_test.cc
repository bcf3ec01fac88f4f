#include "common/io/run_directory.h"

#include <fstream>

#include <boost/json/object.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/file.h"
#include "common/io/json.h"
#include "tests/support/full_disk.h"
#include "tests/support/temporary_folder.h"

namespace rondo {
namespace {

using ::testing::HasSubstr;

const RunDirectory::WallTime kNow{std::chrono::seconds(1'700'000'000)};

boost::json::object Round(int round) {
  return {{"round", round}, {"loss", 0.5}};
}

TEST(RunDirectory, IsNamedByTimeAndLinkedAsLatest) {
  const testing::TemporaryFolder folder;

  const auto first = RunDirectory::Create(folder / "runs", "demo", kNow);
  const auto second = RunDirectory::Create(folder / "runs", "demo", kNow);

  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_EQ(first->path(), folder / "runs" / "20231114T221320Z-demo");
  EXPECT_EQ(second->path(), folder / "runs" / "20231114T221320Z-demo-2");
  EXPECT_EQ(std::filesystem::read_symlink(folder / "runs" / "latest"), "20231114T221320Z-demo-2");
}

TEST(RunDirectory, AGivenFolderIsNeverOverwritten) {
  const testing::TemporaryFolder folder;
  auto run = RunDirectory::CreateAt(folder.path());
  ASSERT_TRUE(run.has_value()) << run.error().message;
  ASSERT_TRUE(run->WriteConfig("seed = 1\n").has_value());

  const auto again = RunDirectory::CreateAt(folder.path());

  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(again.error().message, HasSubstr("--resume"));
  EXPECT_TRUE(RunDirectory::Open(folder.path()).has_value());
  EXPECT_EQ(RunDirectory::Open(folder / "none").error().code, ErrorCode::kNotFound);
}

TEST(RunDirectory, RoundsAreVisibleAtOnceAndTruncatedToACheckpoint) {
  const testing::TemporaryFolder folder;
  auto run = RunDirectory::CreateAt(folder.path());
  ASSERT_TRUE(run.has_value());
  for (int round = 1; round <= 5; ++round) {
    ASSERT_TRUE(run->AppendRound(Round(round)).has_value());
    EXPECT_EQ(run->ReadRounds()->size(), static_cast<std::size_t>(round));
  }
  std::ofstream(folder / "rounds.jsonl", std::ios::app) << "{\"round\":6,\"lo";

  EXPECT_EQ(run->ReadRounds()->size(), 5u);
  ASSERT_TRUE(run->TruncateRounds(3, 0).has_value());
  ASSERT_TRUE(run->AppendRound(Round(4)).has_value());

  const auto rounds = run->ReadRounds();
  ASSERT_TRUE(rounds.has_value()) << rounds.error().message;
  ASSERT_EQ(rounds->size(), 4u);
  EXPECT_EQ(rounds->back().at("round").as_int64(), 4);
  EXPECT_EQ(*ReadTextFile(folder / "rounds.jsonl"),
            "{\"round\":1,\"loss\":0.5}\n{\"round\":2,\"loss\":0.5}\n"
            "{\"round\":3,\"loss\":0.5}\n{\"round\":4,\"loss\":0.5}\n");
}

TEST(RunDirectory, AValidationThatWillBeDoneAgainIsForgotten) {
  const testing::TemporaryFolder folder;
  auto run = RunDirectory::CreateAt(folder.path());
  ASSERT_TRUE(run.has_value());
  for (const int round : {2, 4}) {
    ASSERT_TRUE(run->AppendRound({{"event", "round"}, {"round", round}}).has_value());
    ASSERT_TRUE(run->AppendRound({{"event", "validation"}, {"round", round}}).has_value());
  }

  // The checkpoint of round 4 was saved before its validation.
  ASSERT_TRUE(run->TruncateRounds(4, 2).has_value());

  EXPECT_EQ(*ReadTextFile(folder / "rounds.jsonl"),
            "{\"event\":\"round\",\"round\":2}\n{\"event\":\"validation\",\"round\":2}\n"
            "{\"event\":\"round\",\"round\":4}\n");
}

TEST(RunDirectory, ABrokenLineInTheMiddleIsReported) {
  const testing::TemporaryFolder folder;
  auto run = RunDirectory::CreateAt(folder.path());
  ASSERT_TRUE(run.has_value());
  ASSERT_TRUE(WriteTextFile(folder / "rounds.jsonl", "{\"round\":1}\nrubbish\n{\"round\":3}\n")
                  .has_value());

  EXPECT_THAT(run->ReadRounds().error().message, HasSubstr("line 2"));
  EXPECT_FALSE(run->TruncateRounds(2, 0).has_value());
}

TEST(RunDirectory, ALineThatADiskTakesHalfOfIsTakenBack) {
  const testing::TemporaryFolder folder;
  auto run = RunDirectory::CreateAt(folder.path());
  ASSERT_TRUE(run.has_value());
  ASSERT_TRUE(run->AppendRound(Round(1)).has_value());
  const auto size = std::filesystem::file_size(folder / "rounds.jsonl");
  {
    const testing::FullDisk full(size + 5);
    EXPECT_EQ(run->AppendRound(Round(2)).error().code, ErrorCode::kIo);
  }
  EXPECT_EQ(std::filesystem::file_size(folder / "rounds.jsonl"), size);

  ASSERT_TRUE(run->AppendRound(Round(3)).has_value());

  const auto rounds = run->ReadRounds();
  ASSERT_TRUE(rounds.has_value()) << rounds.error().message;
  ASSERT_EQ(rounds->size(), 2u);
  EXPECT_EQ(rounds->back().at("round").as_int64(), 3);
}

TEST(RunDirectory, AFullDiskIsAnError) {
  const testing::TemporaryFolder folder;
  std::filesystem::create_symlink("/dev/full", folder / "rounds.jsonl");
  auto run = RunDirectory::Create(folder / "runs", "full", kNow);
  ASSERT_TRUE(run.has_value());
  std::filesystem::create_symlink("/dev/full", run->path() / "rounds.jsonl");

  const Status status = run->AppendRound(Round(1));

  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, ErrorCode::kIo);
}

TEST(PrettyJson, IsTheSameJson) {
  const boost::json::value value = {
      {"a", {1, 2}}, {"b", {{"c", nullptr}, {"d", "x\n"}}}, {"e", boost::json::array()}};

  const std::string text = PrettyJson(value);

  EXPECT_EQ(*ParseJson(text), value);
  EXPECT_EQ(
      text,
      "{\n  \"a\": [1, 2],\n  \"b\": {\n    \"c\": null,\n    \"d\": \"x\\n\"\n  },\n  \"e\": "
      "[]\n}\n");
  EXPECT_TRUE(NumberOrNull(0.0 / 0.0).is_null());
}

}  // namespace
}  // namespace rondo
