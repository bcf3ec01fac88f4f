#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "common/core/file.h"
#include "common/core/rng.h"
#include "common/core/workers.h"

namespace rondo {
namespace {

// Known answers of Random123's kat_vectors for philox4x32-10.
TEST(Rng, PhiloxMatchesThePublishedVectors) {
  EXPECT_EQ(Rng::Philox({0, 0, 0, 0}, {0, 0}),
            (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Rng::Philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Rng::Philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Rng, StreamsOfDifferentNamesDiffer) {
  const StreamName base{.seed = 1, .round = 2, .client = 3, .purpose = Purpose::kCohort};
  StreamName other = base;
  other.purpose = Purpose::kDropout;
  EXPECT_NE(Rng(base).NextU64(), Rng(other).NextU64());
  other = base;
  other.round = 3;
  EXPECT_NE(Rng(base).NextU64(), Rng(other).NextU64());
}

TEST(WriteFileAtomic, ReplacesTheWholeFileAndLeavesNoTemporary) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "atomic";
  ASSERT_TRUE(MakeFolder(folder));
  ASSERT_TRUE(WriteTextFile(folder / "a", "a long first text"));
  ASSERT_TRUE(WriteTextFile(folder / "a", "short"));
  EXPECT_EQ(ReadTextFile(folder / "a").value(), "short");
  EXPECT_FALSE(std::filesystem::exists(folder / "a.tmp"));
}

TEST(WriteFileAtomic, ALeftoverTemporaryGivesNoPermissions) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "modes";
  ASSERT_TRUE(MakeFolder(folder));
  std::ofstream(folder / "key.tmp") << "half a key";
  std::filesystem::permissions(folder / "key.tmp", std::filesystem::perms(0644));

  ASSERT_TRUE(WriteTextFile(folder / "key", "secret", 0600));

  EXPECT_EQ(std::filesystem::status(folder / "key").permissions(), std::filesystem::perms(0600));
  EXPECT_EQ(ReadTextFile(folder / "key").value(), "secret");
}

TEST(ReplaceFile, MovesOneFileOverAnotherAndNamesBothIfItCannot) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "replace";
  ASSERT_TRUE(MakeFolder(folder));
  ASSERT_TRUE(WriteTextFile(folder / "old", "old"));
  ASSERT_TRUE(WriteTextFile(folder / "new", "new"));

  ASSERT_TRUE(ReplaceFile(folder / "new", folder / "old"));

  EXPECT_EQ(ReadTextFile(folder / "old").value(), "new");
  EXPECT_FALSE(std::filesystem::exists(folder / "new"));
  const Status again = ReplaceFile(folder / "new", folder / "old");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kNotFound);
  EXPECT_NE(again.error().message.find((folder / "new").string()), std::string::npos);
  EXPECT_NE(again.error().message.find((folder / "old").string()), std::string::npos);
}

TEST(WriteFileAtomic, FullDiskKeepsNothingAndSaysWhy) {
  const Status written = WriteFileAtomic("/dev/full/a", AsBytes("x"));
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message.find("/dev/full/a"), std::string::npos);
}

TEST(Workers, RunWorkOnceOnEveryThreadAndReturnWhenAllAreDone) {
  Workers workers(4);
  for (int run = 0; run < 100; ++run) {
    std::mutex mutex;
    std::set<std::thread::id> threads;
    int calls = 0;
    workers.Run([&] {
      const std::scoped_lock lock(mutex);
      threads.insert(std::this_thread::get_id());
      ++calls;
    });
    EXPECT_EQ(calls, 4);
    EXPECT_EQ(threads.size(), 4U);
    EXPECT_TRUE(threads.contains(std::this_thread::get_id()));
  }
}

TEST(Workers, OneThreadIsTheCaller) {
  std::thread::id seen;
  Workers(1).Run([&] { seen = std::this_thread::get_id(); });
  EXPECT_EQ(seen, std::this_thread::get_id());
}

}  // namespace
}  // namespace rondo
