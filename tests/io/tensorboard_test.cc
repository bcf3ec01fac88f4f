#include "common/io/tensorboard.h"

#include <sstream>

#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include "common/io/json.h"
#include "tests/support/full_disk.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_folder.h"

namespace rondo {
namespace {

const TensorBoardWriter::WallTime kNow{std::chrono::milliseconds(1'700'000'000'250)};

std::vector<boost::json::value> ReadEvents(const std::filesystem::path& path) {
  const auto outcome = testing::RunCommand(std::string("python3 ") + RONDO_SOURCE_FOLDER
                                           + "/scripts/reference/read_events.py " + path.string());
  EXPECT_EQ(outcome.exit_status, 0);
  std::vector<boost::json::value> events;
  std::istringstream lines(outcome.output);
  for (std::string line; std::getline(lines, line);) {
    Result<boost::json::value> event = ParseJson(line);
    EXPECT_TRUE(event.has_value()) << line;
    events.push_back(std::move(event).value());
  }
  return events;
}

TEST(Crc32c, MatchesThePublishedVectors) {
  // RFC 3720, appendix B.4.
  EXPECT_EQ(Crc32c(Bytes(32, 0x00)), 0x8a9136aaU);
  EXPECT_EQ(Crc32c(Bytes(32, 0xff)), 0x62a8ab43U);
  EXPECT_EQ(Crc32c(AsBytes("123456789")), 0xe3069283U);
}

TEST(TensorBoardWriter, AnIndependentReaderSeesEveryScalar) {
  const testing::TemporaryFolder folder;
  auto writer = TensorBoardWriter::Create(folder / "events", kNow);
  ASSERT_TRUE(writer.has_value()) << writer.error().message;

  ASSERT_TRUE(writer->AddScalar("train/loss", 1, 6.5, kNow).has_value());
  ASSERT_TRUE(writer->AddScalar("validation/ndcg@10", 300, 0.0625, kNow).has_value());
  ASSERT_TRUE(writer->AddScalar(std::string(300, 'x'), 4000000000U, -1.0, kNow).has_value());

  const auto events = ReadEvents(writer->path());
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0].at("file_version").as_string(), "brain.Event:2");
  EXPECT_NEAR(events[0].at("wall_time").as_double(), 1700000000.25, 1e-5);
  EXPECT_EQ(events[1].at("tag").as_string(), "train/loss");
  EXPECT_EQ(events[1].at("value").as_double(), 6.5);
  EXPECT_EQ(events[1].at("step").as_int64(), 1);
  EXPECT_EQ(events[2].at("step").as_int64(), 300);
  EXPECT_EQ(events[2].at("value").as_double(), 0.0625);
  EXPECT_EQ(events[3].at("step").as_int64(), 4000000000LL);
  EXPECT_EQ(events[3].at("tag").as_string().size(), 300u);
}

TEST(TensorBoardWriter, AResumedRunTakesBackLaterPoints) {
  const testing::TemporaryFolder folder;
  auto writer = TensorBoardWriter::Create(folder.path(), kNow, 40);
  ASSERT_TRUE(writer.has_value());

  const auto events = ReadEvents(writer->path());

  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].at("session").as_int64(), 1);
  EXPECT_EQ(events[1].at("step").as_int64(), 41);
}

TEST(TensorBoardWriter, ARecordThatADiskTakesHalfOfIsTakenBack) {
  const testing::TemporaryFolder folder;
  auto writer = TensorBoardWriter::Create(folder.path(), kNow);
  ASSERT_TRUE(writer.has_value());
  {
    const testing::FullDisk full(std::filesystem::file_size(writer->path()) + 20);
    EXPECT_EQ(writer->AddScalar("train/loss", 1, 6.5, kNow).error().code, ErrorCode::kIo);
  }

  ASSERT_TRUE(writer->AddScalar("train/loss", 2, 6.25, kNow).has_value());

  const auto events = ReadEvents(writer->path());
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].at("step").as_int64(), 2);
}

TEST(TensorBoardWriter, AFolderThatCannotBeMadeIsAnError) {
  const auto writer = TensorBoardWriter::Create("/dev/null/x", kNow);

  ASSERT_FALSE(writer.has_value());
  EXPECT_EQ(writer.error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace rondo
