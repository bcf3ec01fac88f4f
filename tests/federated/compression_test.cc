#include "common/federated/compression.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "common/federated/low_rank.h"
#include "common/federated/packing.h"

namespace rondo {
namespace {

std::shared_ptr<const ParameterLayout> Shared() {
  return ParameterLayout::Create({{.name = "item", .shape = {6, 4}, .row_addressable = true},
                                  {.name = "bias", .shape = {6}}})
      .value();
}

TrainTask TaskWith(std::vector<std::string> stages) {
  TrainTask task{.round = 3, .seed = 9};
  task.compression = {.stages = std::move(stages), .rank = 2, .top_k = 0.1, .bits = 4};
  return task;
}

ParameterVector Delta(std::uint64_t seed) {
  ParameterVector delta{.layout = Shared(), .values = std::vector<float>(Shared()->size())};
  Rng rng({.seed = seed, .purpose = Purpose::kInit});
  for (float& value : delta.values) {
    value = static_cast<float>(rng.Normal());
  }
  return delta;
}

Rng RoundingRng() {
  return Rng({.seed = 1, .purpose = Purpose::kCompression});
}

TEST(Compression, ATaskWithoutStagesSendsTheDeltaItself) {
  Rng rng = RoundingRng();

  const Compressed sent = Compress(TaskWith({}), Delta(1), nullptr, rng).value();

  EXPECT_EQ(sent.values, Delta(1).values);
  EXPECT_TRUE(sent.packed.empty());
  EXPECT_FALSE(sent.residual.has_value());
  const auto shared = Shared();
  EXPECT_EQ(CompressedLayout(TaskWith({}).compression, shared), shared);
}

TEST(Compression, EachStageSaysWhatItNeeds) {
  const struct {
    std::vector<std::string> stages;
    bool packs;
    bool keeps_residual;
    std::size_t numbers;
  } cases[] = {
      {{}, false, false, 30},
      {{"low_rank"}, false, false, 18},
      {{"top_k"}, true, true, 30},
      {{"quantise"}, true, false, 30},
      {{"low_rank", "quantise"}, true, false, 18},
      {{"top_k", "quantise"}, true, true, 30},
  };

  for (const auto& test : cases) {
    const TrainTask task = TaskWith(test.stages);
    Rng rng = RoundingRng();

    const Compressed sent = Compress(task, Delta(1), nullptr, rng).value();

    EXPECT_EQ(PacksUpdates(task.compression), test.packs);
    EXPECT_EQ(KeepsResidual(task.compression), test.keeps_residual);
    EXPECT_EQ(CompressedLayout(task.compression, Shared())->size(), test.numbers);
    EXPECT_EQ(sent.values.size(), test.numbers);
    EXPECT_EQ(sent.packed.empty(), !test.packs);
    EXPECT_EQ(sent.residual.has_value(), test.keeps_residual);
  }
}

TEST(Compression, TheClientKnowsWhatTheReceiverReads) {
  for (const auto& stages : std::vector<std::vector<std::string>>{
           {"top_k"}, {"quantise"}, {"top_k", "quantise"}, {"low_rank", "quantise"}}) {
    const TrainTask task = TaskWith(stages);
    Rng rng = RoundingRng();

    const Compressed sent = Compress(task, Delta(2), nullptr, rng).value();

    const auto layout = CompressedLayout(task.compression, Shared());
    EXPECT_EQ(UnpackUpdate(task.compression, *layout, sent.packed).value(), sent.values);
  }
}

TEST(Compression, TheResidualIsWhatWasNotSentAndGoesWithTheNextUpdate) {
  const TrainTask task = TaskWith({"top_k"});  // Three of thirty.
  Rng rng = RoundingRng();
  ParameterVector none = Delta(1);
  std::fill(none.values.begin(), none.values.end(), 0.0F);

  const Compressed first = Compress(task, Delta(1), nullptr, rng).value();
  const Compressed second = Compress(task, none, &*first.residual, rng).value();

  std::size_t left = 0;
  for (std::size_t i = 0; i < first.values.size(); ++i) {
    EXPECT_EQ(first.values[i] + first.residual->values[i], Delta(1).values[i]) << i;
    EXPECT_EQ(first.values[i] + second.values[i] + second.residual->values[i], Delta(1).values[i])
        << i;
    left += second.residual->values[i] != 0.0F ? 1 : 0;
  }
  EXPECT_EQ(left, 24U);
}

TEST(Compression, QuantisedUpdatesWithoutTopKForgetTheirError) {
  const TrainTask task = TaskWith({"quantise"});
  const ParameterVector residual = Delta(7);
  Rng rng = RoundingRng();
  Rng same = RoundingRng();

  const Compressed sent = Compress(task, Delta(1), &residual, rng).value();

  EXPECT_EQ(sent.values, Compress(task, Delta(1), nullptr, same).value().values);
}

TEST(Compression, TheServerExpandsWhatTheClientSketched) {
  const TrainTask task = TaskWith({"low_rank"});
  const auto shared = Shared();
  const auto low = CompressedLayout(task.compression, shared);
  Rng rng = RoundingRng();

  const Compressed sent = Compress(task, Delta(1), nullptr, rng).value();
  const ParameterVector mean{.layout = low, .values = sent.values};
  const ParameterVector back = Expand(task, mean, shared).value();

  EXPECT_EQ(sent.values, Project(Delta(1), low, task.seed, task.round).values);
  EXPECT_EQ(back.layout, shared);
  EXPECT_EQ(back.values, Unproject(mean, shared, task.seed, task.round).values);
  EXPECT_EQ(Expand(TaskWith({}), Delta(1), shared).value().values, Delta(1).values);
  EXPECT_EQ(Expand(task, Delta(1), shared).error().code, ErrorCode::kFailedPrecondition);
}

TEST(Compression, RefusesResidualsOfAnotherModelAndNumbersThatAreNotFinite) {
  const TrainTask task = TaskWith({"top_k"});
  const auto other = ParameterLayout::Create({{.name = "other", .shape = {30}}}).value();
  const ParameterVector foreign{.layout = other, .values = std::vector<float>(30)};
  ParameterVector full = Delta(1);
  std::fill(full.values.begin(), full.values.end(), std::numeric_limits<float>::max());
  ParameterVector broken = Delta(1);
  broken.values[4] = std::nanf("");
  Rng rng = RoundingRng();

  EXPECT_EQ(Compress(task, Delta(1), &foreign, rng).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(Compress(task, full, &full, rng).error().code, ErrorCode::kDiverged);
  EXPECT_EQ(Compress(task, broken, nullptr, rng).error().code, ErrorCode::kDiverged);
  EXPECT_EQ(Compress(TaskWith({}), broken, nullptr, rng).error().code, ErrorCode::kDiverged);
}

}  // namespace
}  // namespace rondo
