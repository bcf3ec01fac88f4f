#include "simulations/client_store.h"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace rondo::sim {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNumbers = 6;

class ClientStoreTest : public ::testing::Test {
 protected:
  ClientStore Open(RoundId round) {
    Result<ClientStore> store = ClientStore::Open({.model = layout_,
                                                   .folder = folder_.path() / "clients",
                                                   .memory = memory_,
                                                   .kept_rounds = kept_},
                                                  round);
    EXPECT_TRUE(store) << store.error().message;
    return *std::move(store);
  }

  ClientVectors Vectors(float value) const {
    return {{.name = "control",
             .vector = {.layout = layout_, .values = std::vector<float>(kNumbers, value)}}};
  }

  /// A client's round that counts.
  void Play(ClientStore& store, const ClientId& client, RoundId round, float value) {
    ASSERT_TRUE(store.Stage(client, round, Vectors(value)));
    ASSERT_TRUE(store.Resolve(client, round, true));
  }

  /// The first number of what the client keeps; -1 for nothing.
  static float Kept(ClientStore& store, const ClientId& client) {
    const Result<const ClientVectors*> vectors = store.Of(client);
    EXPECT_TRUE(vectors) << vectors.error().message;
    return (*vectors)->empty() ? -1.0F : (*vectors)->front().vector.values.front();
  }

  std::size_t Files() const {
    std::size_t files = 0;
    if (fs::exists(folder_.path() / "clients")) {
      for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "clients")) {
        files += entry.is_regular_file() ? 1 : 0;
      }
    }
    return files;
  }

  rondo::testing::TemporaryFolder folder_;
  std::shared_ptr<const ParameterLayout> layout_ =
      ParameterLayout::Create({{.name = "a", .shape = {kNumbers}}}).value();
  std::uint64_t memory_ = 1 << 20;
  RoundId kept_ = 0;
};

TEST_F(ClientStoreTest, WhatIsStagedCountsOnlyIfTheRoundDid) {
  ClientStore store = Open(0);
  EXPECT_EQ(Kept(store, "a"), -1.0F);
  ASSERT_TRUE(store.Stage("a", 1, Vectors(1.0F)));
  EXPECT_EQ(Kept(store, "a"), -1.0F);
  ASSERT_TRUE(store.Resolve("a", 1, false));
  EXPECT_EQ(Kept(store, "a"), -1.0F);
  Play(store, "a", 2, 2.0F);
  EXPECT_EQ(Kept(store, "a"), 2.0F);
  // A result of another round, or one that comes twice, changes nothing.
  ASSERT_TRUE(store.Stage("a", 4, Vectors(4.0F)));
  ASSERT_TRUE(store.Resolve("a", 3, true));
  ASSERT_TRUE(store.Resolve("a", 2, true));
  EXPECT_EQ(Kept(store, "a"), 2.0F);
  EXPECT_EQ(store.Staged(), (std::vector<std::pair<ClientId, RoundId>>{{"a", 4}}));
}

TEST_F(ClientStoreTest, ARunGoesOnWithTheStateOfItsCheckpoint) {
  {
    ClientStore store = Open(0);
    Play(store, "a", 1, 1.0F);
    Play(store, "b", 2, 2.0F);
    ASSERT_TRUE(store.Flush(2));
    Play(store, "a", 3, 3.0F);
    Play(store, "c", 3, 4.0F);
    // Killed between the files of round 3 and its checkpoint.
    ASSERT_TRUE(store.Flush(3));
  }
  ClientStore resumed = Open(2);
  EXPECT_EQ(Kept(resumed, "a"), 1.0F);
  EXPECT_EQ(Kept(resumed, "b"), 2.0F);
  EXPECT_EQ(Kept(resumed, "c"), -1.0F);
}

TEST_F(ClientStoreTest, AFreshRunForgetsWhatAnEarlierOneLeft) {
  {
    ClientStore store = Open(0);
    Play(store, "a", 1, 1.0F);
    ASSERT_TRUE(store.Flush(1));
  }
  ClientStore fresh = Open(0);
  EXPECT_EQ(Kept(fresh, "a"), -1.0F);
  EXPECT_EQ(Files(), 0U);
}

TEST_F(ClientStoreTest, ReadingAnOlderCheckpointLeavesLaterFiles) {
  kept_ = 10;
  {
    ClientStore store = Open(0);
    Play(store, "a", 1, 1.0F);
    ASSERT_TRUE(store.Flush(1));
    Play(store, "a", 2, 2.0F);
    ASSERT_TRUE(store.Flush(2));
  }
  auto old = ClientStore::OpenToRead({.model = layout_, .folder = folder_.path() / "clients"}, 1);
  ASSERT_TRUE(old);
  EXPECT_EQ(Kept(*old, "a"), 1.0F);
  EXPECT_EQ(Files(), 2U);
}

TEST_F(ClientStoreTest, AboveTheMemoryLimitStateLiesInFilesAndIsTheSame) {
  memory_ = 3 * kNumbers * sizeof(float);
  ClientStore store = Open(0);
  for (int client = 0; client < 20; ++client) {
    Play(store, "client-" + std::to_string(client), 1, static_cast<float>(client));
  }
  EXPECT_EQ(Files(), 17U);
  for (int client = 0; client < 20; ++client) {
    EXPECT_EQ(Kept(store, "client-" + std::to_string(client)), static_cast<float>(client));
  }
}

TEST_F(ClientStoreTest, WhatIsStagedKeepsToTheMemoryLimit) {
  memory_ = 2 * kNumbers * sizeof(float);
  ClientStore store = Open(0);
  for (int client = 0; client < 6; ++client) {
    ASSERT_TRUE(store.Stage("client-" + std::to_string(client), 1, Vectors(1.0F)));
  }
  EXPECT_EQ(Files(), 4U);
  for (int client = 0; client < 6; ++client) {
    ASSERT_TRUE(store.Resolve("client-" + std::to_string(client), 1, client % 2 == 0));
  }
  for (int client = 0; client < 6; ++client) {
    EXPECT_EQ(Kept(store, "client-" + std::to_string(client)), client % 2 == 0 ? 1.0F : -1.0F);
  }
  // Killed before a result, it is as if the round had not been.
  ASSERT_TRUE(store.Flush(1));
  for (int client = 0; client < 6; ++client) {
    ASSERT_TRUE(store.Stage("client-" + std::to_string(client), 2, Vectors(2.0F)));
  }
  ClientStore resumed = Open(1);
  for (int client = 0; client < 6; ++client) {
    EXPECT_EQ(Kept(resumed, "client-" + std::to_string(client)), client % 2 == 0 ? 1.0F : -1.0F);
  }
  EXPECT_EQ(Files(), 3U);
}

TEST_F(ClientStoreTest, WhatLeftMemoryBeforeACheckpointIsNotSeenFromTheOneBefore) {
  memory_ = kNumbers * sizeof(float);
  {
    ClientStore store = Open(0);
    Play(store, "a", 1, 1.0F);
    ASSERT_TRUE(store.Flush(1));
    Play(store, "a", 2, 2.0F);
    Play(store, "b", 2, 2.5F);  // Moves a's state of round 2 into a file.
    Play(store, "c", 2, 2.5F);
  }
  ClientStore resumed = Open(1);
  EXPECT_EQ(Kept(resumed, "a"), 1.0F);
  EXPECT_EQ(Kept(resumed, "b"), -1.0F);
}

TEST_F(ClientStoreTest, FilesThatNoCheckpointNeedsAreRemoved) {
  kept_ = 2;
  {
    ClientStore store = Open(0);
    for (RoundId round = 1; round <= 10; ++round) {
      Play(store, "a", round, static_cast<float>(round));
      ASSERT_TRUE(store.Flush(round));
      store.Prune();
    }
  }
  EXPECT_EQ(Files(), 3U);
  ClientStore resumed = Open(8);
  EXPECT_EQ(Kept(resumed, "a"), 8.0F);
}

TEST_F(ClientStoreTest, ABrokenFileIsNamed) {
  {
    ClientStore store = Open(0);
    Play(store, "a", 1, 1.0F);
    ASSERT_TRUE(store.Flush(1));
  }
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "clients")) {
    if (entry.is_regular_file()) {
      std::ofstream(entry.path(), std::ios::trunc) << "not tensors";
    }
  }
  ClientStore store = Open(1);
  const auto vectors = store.Of("a");
  ASSERT_FALSE(vectors);
  EXPECT_EQ(vectors.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(vectors.error().message.find(".1.safetensors"), std::string::npos);
}

TEST_F(ClientStoreTest, WithoutAFolderEverythingStaysInMemory) {
  auto store = ClientStore::Open({.model = layout_, .folder = {}, .memory = 0}, 0);
  ASSERT_TRUE(store);
  Play(*store, "a", 1, 1.0F);
  Play(*store, "b", 1, 2.0F);
  ASSERT_TRUE(store->Flush(1));
  EXPECT_EQ(Kept(*store, "a"), 1.0F);
  EXPECT_EQ(Kept(*store, "b"), 2.0F);
}

}  // namespace
}  // namespace rondo::sim
