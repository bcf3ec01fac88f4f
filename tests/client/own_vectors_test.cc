#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "client/state.h"
#include "common/core/file.h"
#include "tests/client/fakes.h"
#include "tests/support/full_disk.h"
#include "tests/support/temporary_folder.h"

namespace rondo::client::testing {
namespace {

using rondo::testing::FullDisk;
using rondo::testing::TemporaryFolder;

constexpr const char* kRun = "run-1";

std::shared_ptr<const ParameterLayout> Layout(int width = 4) {
  return ModelLayout({.width = width,
                      .blocks = 1,
                      .heads = 1,
                      .history = 5,
                      .personal = {"norm."},
                      .frozen = {}},
                     6)
      .value();
}

/// Numbers that tell rounds apart, in two vectors that are not in the order of their names.
ClientVectors Vectors(const std::shared_ptr<const ParameterLayout>& layout, float round) {
  ClientVectors vectors;
  for (const auto& [name, part] : {std::pair<const char*, std::shared_ptr<const ParameterLayout>>(
                                       "personal", PersonalLayout(*layout)),
                                   {"control", layout}}) {
    ParameterVector vector{.layout = part, .values = std::vector<float>(part->size())};
    for (std::size_t i = 0; i < vector.values.size(); ++i) {
      vector.values[i] = round + static_cast<float>(i) * 0x1p-10F;
    }
    SetVector(vectors, name, std::move(vector));
  }
  return vectors;
}

void ExpectEqual(const ClientVectors& actual, const ClientVectors& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (const NamedVector& vector : expected) {
    const ParameterVector* const found = FindVector(actual, vector.name);
    ASSERT_NE(found, nullptr) << vector.name;
    EXPECT_EQ(found->layout->digest(), vector.vector.layout->digest()) << vector.name;
    EXPECT_EQ(found->values, vector.vector.values) << vector.name;
  }
}

class OwnVectors : public ::testing::Test {
 protected:
  /// As a client that starts and greets the coordinator.
  ClientState Start(const std::string& run = kRun) {
    ClientState state = ClientState::Open(folder_.path()).value();
    EXPECT_TRUE(state.Join(run, layout_));
    return state;
  }

  /// As if the process had died before it wrote the record.
  void TakeBackRecord(const std::string& text) {
    ASSERT_TRUE(WriteTextFile(folder_ / "client.json", text));
  }

  std::string Record() { return ReadTextFile(folder_ / "client.json").value(); }

  void ExpectValid(const ClientState& state, float round) {
    const auto vectors = state.Vectors(layout_);
    ASSERT_TRUE(vectors) << vectors.error().message;
    ExpectEqual(*vectors, round > 0 ? Vectors(layout_, round) : ClientVectors());
  }

  /// A client whose round 3 counted.
  ClientState AfterRoundThree() {
    ClientState state = Start();
    EXPECT_TRUE(state.BeginPending(3, Vectors(layout_, 3.0F)));
    EXPECT_TRUE(state.Resolve(3, true));
    EXPECT_TRUE(state.Flush());
    return state;
  }

  bool Pending() { return std::filesystem::exists(folder_ / "vectors.pending.safetensors"); }

  TemporaryFolder folder_;
  std::shared_ptr<const ParameterLayout> layout_ = Layout();
};

TEST_F(OwnVectors, AreThereOnceARoundIncludesTheClient) {
  ClientState state = Start();
  ExpectValid(state, 0);
  ASSERT_TRUE(state.BeginPending(3, Vectors(layout_, 3.0F)));
  ExpectValid(state, 0);

  ASSERT_TRUE(state.Resolve(3, true));

  ExpectValid(state, 3);
  EXPECT_FALSE(Pending());
}

TEST_F(OwnVectors, OnlyTheOwnerMayReadThem) {
  ClientState state = AfterRoundThree();
  ASSERT_TRUE(state.BeginPending(4, Vectors(layout_, 4.0F)));

  for (const char* name : {"vectors.safetensors", "vectors.pending.safetensors"}) {
    EXPECT_EQ(std::filesystem::status(folder_ / name).permissions(), std::filesystem::perms(0600));
  }
}

struct Ending {
  const char* name;
  Status (*end)(ClientState& state);
};

class VectorsOfAContributionThatDoesNotCount : public OwnVectors,
                                               public ::testing::WithParamInterface<Ending> {};

TEST_P(VectorsOfAContributionThatDoesNotCount, AreForgotten) {
  ClientState state = AfterRoundThree();
  ASSERT_TRUE(state.BeginPending(4, Vectors(layout_, 4.0F)));

  ASSERT_TRUE(GetParam().end(state));

  ExpectValid(state, 3);
  EXPECT_FALSE(Pending());
  ASSERT_TRUE(state.Flush());
  ClientState restarted = Start();
  ASSERT_TRUE(restarted.Resolve(4, true));
  ExpectValid(restarted, 3);
}

INSTANTIATE_TEST_SUITE_P(All,
                         VectorsOfAContributionThatDoesNotCount,
                         ::testing::Values(Ending{"RoundWithoutThisClient",
                                                  [](ClientState& state) {
                                                    return state.Resolve(4, false);
                                                  }},
                                           Ending{"LaterResult",
                                                  [](ClientState& state) {
                                                    return state.Resolve(5, true);
                                                  }},
                                           Ending{"NewTask",
                                                  [](ClientState& state) {
                                                    return state.DiscardPending();
                                                  }},
                                           Ending{"Finish",
                                                  [](ClientState& state) {
                                                    return state.Finish();
                                                  }}),
                         [](const auto& test) { return test.param.name; });

TEST_F(OwnVectors, AnEarlierResultLeavesWhatIsPending) {
  ClientState state = AfterRoundThree();
  ASSERT_TRUE(state.BeginPending(5, Vectors(layout_, 5.0F)));

  ASSERT_TRUE(state.Resolve(4, true));
  ExpectValid(state, 3);

  ASSERT_TRUE(state.Resolve(5, true));
  ExpectValid(state, 5);
}

TEST_F(OwnVectors, ATaskThatKeepsNoneLeavesThoseThere) {
  ClientState state = AfterRoundThree();
  ASSERT_TRUE(state.BeginPending(4));

  ASSERT_TRUE(state.Resolve(4, true));

  ExpectValid(state, 3);
}

TEST_F(OwnVectors, ARepeatedResultChangesNothingMore) {
  ClientState state = AfterRoundThree();

  ASSERT_TRUE(state.Resolve(3, true));

  ExpectValid(state, 3);
  EXPECT_EQ(state.record().rounds_included, 1U);
}

// -- a process that dies between any two steps

TEST_F(OwnVectors, DyingBetweenTheVectorsAndTheRecordForgetsWhatWasNeverUploaded) {
  {
    ClientState state = AfterRoundThree();
    const std::string before = Record();
    ASSERT_TRUE(state.BeginPending(4, Vectors(layout_, 4.0F)));
    TakeBackRecord(before);
  }

  ClientState state = Start();

  EXPECT_FALSE(Pending());
  ASSERT_TRUE(state.Resolve(4, true));
  ExpectValid(state, 3);
}

TEST_F(OwnVectors, DyingAfterTheUploadKeepsWhatTheResultSaysLater) {
  for (const bool included : {true, false}) {
    const RoundId round = included ? 4 : 5;
    {
      ClientState state = Start();
      ASSERT_TRUE(state.BeginPending(round, Vectors(layout_, static_cast<float>(round))));
    }

    ClientState state = Start();
    EXPECT_TRUE(Pending());
    ASSERT_TRUE(state.Resolve(round, included));

    ExpectValid(state, 4);
    ASSERT_TRUE(state.Flush());
  }
}

TEST_F(OwnVectors, DyingBetweenKeptVectorsAndTheRecordCountsTheRoundOnceWhenItIsToldAgain) {
  {
    ClientState state = Start();
    ASSERT_TRUE(state.BeginPending(4, Vectors(layout_, 4.0F)));
    const std::string before = Record();
    ASSERT_TRUE(state.Resolve(4, true));
    TakeBackRecord(before);
  }

  ClientState state = Start();
  ExpectValid(state, 4);
  ASSERT_TRUE(state.Resolve(4, true));
  ASSERT_TRUE(state.Resolve(4, true));

  ExpectValid(state, 4);
  EXPECT_EQ(state.record().rounds_included, 1U);
  EXPECT_EQ(state.record().pending, std::nullopt);
}

TEST_F(OwnVectors, DyingBetweenDiscardedVectorsAndTheRecordForgetsThemAll) {
  {
    ClientState state = AfterRoundThree();
    ASSERT_TRUE(state.BeginPending(4, Vectors(layout_, 4.0F)));
    const std::string before = Record();
    ASSERT_TRUE(state.Resolve(4, false));
    TakeBackRecord(before);
  }

  ClientState state = Start();
  ASSERT_TRUE(state.Resolve(4, false));

  ExpectValid(state, 3);
  EXPECT_EQ(state.record().rounds_discarded, 1U);
}

TEST_F(OwnVectors, AFullDiskEndsTheUploadAndLosesNothing) {
  ClientState state = AfterRoundThree();
  {
    const FullDisk full(512);
    const Status begun = state.BeginPending(4, Vectors(layout_, 4.0F));
    ASSERT_FALSE(begun);
    EXPECT_EQ(begun.error().code, ErrorCode::kIo);
  }

  ExpectValid(Start(), 3);
}

// -- other runs, other models, damage

TEST_F(OwnVectors, ANewRunStartsWithoutThemAndPutsTheOldAside) {
  {
    ClientState state = AfterRoundThree();
    ASSERT_TRUE(state.BeginPending(4, Vectors(layout_, 4.0F)));
  }
  const Bytes old = ReadFile(folder_ / "vectors.safetensors", 1 << 20).value();

  ClientState state = Start("run-2");

  ExpectValid(state, 0);
  EXPECT_FALSE(Pending());
  EXPECT_EQ(ReadFile(folder_ / "vectors.previous.safetensors", 1 << 20).value(), old);
  ExpectValid(Start("run-2"), 0);
}

TEST_F(OwnVectors, AnotherModelStartsWithoutThem) {
  AfterRoundThree();
  const auto wide = Layout(8);

  // Before the run is joined anew, as `recommend` would: nothing may be applied silently.
  const auto foreign = ClientState::Open(folder_.path()).value().Vectors(wide);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(foreign.error().message.find("another model"), std::string::npos);

  layout_ = wide;
  ExpectValid(Start(), 0);
}

TEST_F(OwnVectors, EveryDamageIsOneErrorThatNamesTheFileAndTheWayOut) {
  AfterRoundThree();
  const auto path = folder_ / "vectors.safetensors";
  const Bytes whole = ReadFile(path, 1 << 20).value();
  std::vector<Bytes> damaged = {{}, Bytes(16, 0)};
  for (std::size_t position = 0; position < whole.size(); position += 29) {
    damaged.push_back(whole);
    damaged.back()[position] ^= 0x01;
    damaged.emplace_back(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(position));
  }
  int refused = 0;

  for (const Bytes& bytes : damaged) {
    // Not through WriteFileAtomic, which waits for the disk.
    std::ofstream(path, std::ios::binary) << AsText(bytes);
    const auto vectors = ClientState::Open(folder_.path()).value().Vectors(layout_);
    if (vectors) {
      // A bit of the metadata that nothing is read for, such as the run's name.
      ExpectEqual(*vectors, Vectors(layout_, 3.0F));
      continue;
    }
    ++refused;
    EXPECT_EQ(vectors.error().code, ErrorCode::kCorrupt) << vectors.error().message;
    EXPECT_NE(vectors.error().message.find(path.string()), std::string::npos)
        << vectors.error().message;
    EXPECT_NE(vectors.error().message.find("move it away"), std::string::npos);
  }
  EXPECT_GT(refused, static_cast<int>(damaged.size()) * 9 / 10);
}

TEST_F(OwnVectors, ADamagedFileShowsBeforeAnyWork) {
  AfterRoundThree();
  Bytes bytes = ReadFile(folder_ / "vectors.safetensors", 1 << 20).value();
  bytes.back() ^= 0x40;
  ASSERT_TRUE(WriteFileAtomic(folder_ / "vectors.safetensors", bytes));

  ClientState state = ClientState::Open(folder_.path()).value();
  const Status joined = state.Join(kRun, layout_);

  ASSERT_FALSE(joined);
  EXPECT_NE(joined.error().message.find("not those that were written"), std::string::npos)
      << joined.error().message;
}

}  // namespace
}  // namespace rondo::client::testing
