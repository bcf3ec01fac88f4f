#include "common/io/checkpoint.h"

#include <cmath>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/file.h"
#include "common/io/model_json.h"
#include "tests/support/full_disk.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_folder.h"

namespace rondo {
namespace {

using ::testing::ElementsAre;
using testing::FullDisk;
using ::testing::HasSubstr;

Checkpoint Example(RoundId round) {
  ModelConfig config{.width = 4, .blocks = 1, .heads = 2, .history = 3};
  const auto layout = ModelLayout(config, 5);
  EXPECT_TRUE(layout.has_value());
  Checkpoint checkpoint{.round = round, .model = InitialParameters(*layout, 3)};
  checkpoint.optimizer = {{"m", InitialParameters(*layout, 4)},
                          {"v", InitialParameters(*layout, 5)}};
  checkpoint.optimizer_steps = 17;
  checkpoint.best_round = 2;
  checkpoint.best_score = 0.1 + 0.2;
  checkpoint.stale_validations = 3;
  checkpoint.run = {.name = "test",
                    .seed = 18446744073709551615ULL,
                    .data_seed = 7,
                    .model = config,
                    .catalogue_sha256 = "abc",
                    .items = 5,
                    .scenario = "name = \"test\"\n"};
  checkpoint.extra = {{"history", "[1,2]"}};
  return checkpoint;
}

CheckpointStore OpenStore(const testing::TemporaryFolder& folder, int keep = 2) {
  Result<CheckpointStore> store =
      CheckpointStore::Open({.folder = folder / "checkpoints", .keep = keep});
  EXPECT_TRUE(store.has_value());
  return std::move(store).value();
}

TEST(Checkpoint, ReadsBackWhole) {
  const testing::TemporaryFolder folder;
  const Checkpoint checkpoint = Example(12);

  CheckpointStore store = OpenStore(folder);
  const Status saved = store.Save(checkpoint);

  ASSERT_TRUE(saved.has_value()) << saved.error().message;
  const auto path = folder / "checkpoints" / "round-000012.safetensors";
  const Result<Checkpoint> back = ReadCheckpoint(path);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(back->round, 12u);
  EXPECT_EQ(back->model.values, checkpoint.model.values);
  ASSERT_EQ(back->optimizer.size(), 2u);
  EXPECT_EQ(back->optimizer[1].first, "v");
  EXPECT_EQ(back->optimizer[1].second.values, checkpoint.optimizer[1].second.values);
  EXPECT_EQ(back->optimizer_steps, 17u);
  EXPECT_EQ(back->best_round, 2u);
  EXPECT_EQ(back->best_score, 0.1 + 0.2);
  EXPECT_EQ(back->stale_validations, 3);
  EXPECT_EQ(back->run.seed, checkpoint.run.seed);
  EXPECT_EQ(back->run.items, 5);
  EXPECT_EQ(back->run.catalogue_sha256, "abc");
  EXPECT_EQ(back->run.scenario, checkpoint.run.scenario);
  EXPECT_EQ(back->run.model.heads, 2);
  EXPECT_EQ(back->extra, checkpoint.extra);
  EXPECT_EQ(*EncodeCheckpoint(*back), *EncodeCheckpoint(checkpoint));
}

TEST(Checkpoint, ANaNScoreSurvives) {
  Checkpoint checkpoint = Example(1);
  checkpoint.best_score = std::nan("");

  const Result<Checkpoint> back = DecodeCheckpoint(*EncodeCheckpoint(checkpoint));

  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_TRUE(std::isnan(back->best_score));
}

TEST(Checkpoint, AnotherLayoutIsRefused) {
  const auto other = ModelLayout(ModelConfig{.width = 8, .blocks = 1, .history = 3}, 5);
  ASSERT_TRUE(other.has_value());

  const Result<Checkpoint> back = DecodeCheckpoint(*EncodeCheckpoint(Example(1)), *other);

  ASSERT_FALSE(back.has_value());
  EXPECT_EQ(back.error().code, ErrorCode::kFailedPrecondition);
}

TEST(Checkpoint, AModelAloneIsNoCheckpoint) {
  const Result<Checkpoint> back = DecodeCheckpoint(*EncodeParameters(Example(1).model));

  ASSERT_FALSE(back.has_value());
  EXPECT_EQ(back.error().code, ErrorCode::kCorrupt);
}

TEST(CheckpointStore, KeepsTheNewestAndTheBest) {
  const testing::TemporaryFolder folder;
  CheckpointStore store = OpenStore(folder);

  for (const RoundId round : {1u, 2u, 3u, 4u, 5u}) {
    ASSERT_TRUE(store.Save(Example(round)).has_value());
  }

  EXPECT_THAT(store.rounds(), ElementsAre(2, 4, 5));
  const auto latest = store.Latest();
  ASSERT_TRUE(latest.has_value() && latest->has_value());
  EXPECT_EQ((*latest)->round, 5u);
}

TEST(CheckpointStore, AnEmptyFolderHasNoLatest) {
  const testing::TemporaryFolder folder;

  const auto latest = OpenStore(folder).Latest();

  ASSERT_TRUE(latest.has_value());
  EXPECT_FALSE(latest->has_value());
}

TEST(CheckpointStore, ATruncatedNewestIsSkipped) {
  const testing::TemporaryFolder folder;
  CheckpointStore store = OpenStore(folder);
  ASSERT_TRUE(store.Save(Example(7)).has_value());
  ASSERT_TRUE(store.Save(Example(8)).has_value());
  std::filesystem::resize_file(store.PathOf(8), std::filesystem::file_size(store.PathOf(8)) / 2);
  ASSERT_TRUE(WriteTextFile(folder / "checkpoints" / "round-x.safetensors", "other").has_value());
  ASSERT_TRUE(
      WriteTextFile(folder / "checkpoints" / "round-000009.safetensors.tmp", "half").has_value());

  CheckpointStore reopened = OpenStore(folder);
  const std::filesystem::path half = folder / "checkpoints" / "round-000009.safetensors.tmp";
  EXPECT_TRUE(std::filesystem::exists(half)) << "a reader took away what a writer is writing";
  ASSERT_TRUE(reopened.Own().has_value());
  const auto latest = reopened.Latest();

  ASSERT_TRUE(latest.has_value() && latest->has_value());
  EXPECT_EQ((*latest)->round, 7u);
  EXPECT_FALSE(std::filesystem::exists(half));
  // With nothing whole left, a run must not silently start anew.
  std::filesystem::resize_file(store.PathOf(7), 3);
  ASSERT_FALSE(reopened.Latest().has_value());
  EXPECT_EQ(reopened.Latest().error().code, ErrorCode::kCorrupt);
}

TEST(CheckpointStore, HasOneOwnerAtATime) {
  const testing::TemporaryFolder folder;
  CheckpointStore other = OpenStore(folder);
  {
    CheckpointStore store = OpenStore(folder);
    ASSERT_TRUE(store.Own().has_value());
    ASSERT_TRUE(store.Save(Example(1)).has_value());
    EXPECT_EQ(other.Own().error().code, ErrorCode::kFailedPrecondition);
    EXPECT_THAT(other.Own().error().message, HasSubstr("in use by another process"));
    EXPECT_EQ((*other.Latest())->round, 1u) << "reading is free";
  }
  EXPECT_TRUE(other.Own().has_value());
}

TEST(CheckpointStore, AFullDiskLosesNothing) {
  const testing::TemporaryFolder folder;
  CheckpointStore store = OpenStore(folder);
  ASSERT_TRUE(store.Save(Example(1)).has_value());
  const Bytes before = *ReadFile(store.PathOf(1), 1 << 20);

  for (const rlim_t limit : {0UL, 100UL, before.size() - 1}) {
    Status later = Fail(ErrorCode::kInternal, "not run");
    Status same = Fail(ErrorCode::kInternal, "not run");
    {
      const FullDisk full(limit);
      later = store.Save(Example(2));
      same = store.Save(Example(1));
    }
    ASSERT_FALSE(later.has_value());
    EXPECT_EQ(later.error().code, ErrorCode::kIo);
    EXPECT_THAT(later.error().message, HasSubstr("older ones are untouched"));
    EXPECT_FALSE(same.has_value());
  }

  EXPECT_THAT(store.rounds(), ElementsAre(1));
  EXPECT_EQ(*ReadFile(store.PathOf(1), 1 << 20), before);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator(folder / "checkpoints")) {
    ++files;
  }
  EXPECT_EQ(files, 1u);
}

TEST(CheckpointStore, PythonReadsTheModel) {
  const testing::TemporaryFolder folder;
  CheckpointStore store = OpenStore(folder);
  ASSERT_TRUE(store.Save(Example(3)).has_value());

  const auto outcome =
      testing::RunCommand(std::string("python3 ") + RONDO_SOURCE_FOLDER
                          + "/scripts/reference/read_safetensors.py " + store.PathOf(3).string());

  EXPECT_EQ(outcome.exit_status, 0);
  EXPECT_THAT(outcome.output, HasSubstr("\"catalogue_sha256\": \"abc\""));
}

TEST(ModelJson, RoundTripsAndRefusesNonsense) {
  const ModelConfig config{.width = 12,
                           .heads = 3,
                           .attention = {"dot", "additive"},
                           .dropout = 0.1,
                           .features = {"genre"},
                           .positions = false};

  const std::string text = boost::json::serialize(ModelConfigToJson(config));
  const Result<ModelConfig> back = ModelConfigFromJson(text);

  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(boost::json::serialize(ModelConfigToJson(*back)), text);
  EXPECT_EQ(back->attention, config.attention);
  EXPECT_FALSE(back->positions);
  for (const std::string broken :
       {"[]", "{\"width\":\"a\"}", "{\"widht\":3}", "{\"width\":-3}", "{\"width\":1e99}", ""}) {
    EXPECT_FALSE(ModelConfigFromJson(broken).has_value()) << broken;
  }
}

}  // namespace
}  // namespace rondo
