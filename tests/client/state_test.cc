#include "client/state.h"

#include <gtest/gtest.h>

#include "common/core/file.h"
#include "tests/support/temporary_folder.h"

namespace rondo::client::testing {
namespace {

using rondo::testing::TemporaryFolder;

TEST(ClientState, SurvivesARestart) {
  const TemporaryFolder folder;
  {
    ClientState state = ClientState::Open(folder / "s").value();
    ASSERT_TRUE(state.BeginPending(4).has_value());
    ASSERT_TRUE(state.Resolve(4, true).has_value());
    state.CountDecline();
    ASSERT_TRUE(state.Flush().has_value());
  }

  const ClientState state = ClientState::Open(folder / "s").value();

  EXPECT_EQ(state.record().rounds_included, 1u);
  EXPECT_EQ(state.record().last_round, 4u);
  EXPECT_EQ(state.record().tasks_declined, 1u);
}

TEST(ClientState, AResultOfAnEarlierRoundLeavesWhatIsPending) {
  const TemporaryFolder folder;
  ClientState state = ClientState::Open(folder.path()).value();
  ASSERT_TRUE(state.BeginPending(5).has_value());

  ASSERT_TRUE(state.Resolve(4, true).has_value());

  EXPECT_EQ(state.record().pending, std::optional<RoundId>(5));
  EXPECT_EQ(state.record().rounds_included, 0u);
}

TEST(ClientState, AResultOfALaterRoundDiscardsWhatIsPending) {
  const TemporaryFolder folder;
  ClientState state = ClientState::Open(folder.path()).value();
  ASSERT_TRUE(state.BeginPending(5).has_value());

  ASSERT_TRUE(state.Resolve(6, true).has_value());

  EXPECT_EQ(state.record().pending, std::nullopt);
  EXPECT_EQ(state.record().rounds_included, 0u);
  EXPECT_EQ(state.record().rounds_discarded, 1u);
}

TEST(ClientState, WhatIsPendingSurvivesAKill) {
  const TemporaryFolder folder;
  {
    ClientState killed = ClientState::Open(folder.path()).value();
    ASSERT_TRUE(killed.BeginPending(5).has_value());
  }
  ClientState state = ClientState::Open(folder.path()).value();
  EXPECT_EQ(state.record().pending, std::optional<RoundId>(5));

  ASSERT_TRUE(state.Resolve(5, true).has_value());

  EXPECT_EQ(state.record().rounds_trained, 1u);
  EXPECT_EQ(state.record().rounds_included, 1u);
  EXPECT_EQ(state.record().pending, std::nullopt);
}

TEST(ClientState, ARecordOfAnEarlierReleaseHasNothingPending) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteTextFile(folder / "client.json",
                            R"({"schema_version":1,"rounds_trained":2,"rounds_included":1,)"
                            R"("rounds_discarded":1,"tasks_declined":0,"last_round":2,)"
                            R"("model_sha256":"","finished":false})")
                  .has_value());

  const auto state = ClientState::Open(folder.path());

  ASSERT_TRUE(state.has_value()) << state.error().message;
  EXPECT_EQ(state->record().pending, std::nullopt);
  EXPECT_EQ(state->record().rounds_trained, 2u);
}

TEST(ClientState, ABrokenRecordIsAnErrorThatSaysWhatToDo) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteTextFile(folder / "client.json", "{\"rounds").has_value());

  const auto state = ClientState::Open(folder.path());

  ASSERT_FALSE(state.has_value());
  EXPECT_EQ(state.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(state.error().message.find("client.json"), std::string::npos);
}

}  // namespace
}  // namespace rondo::client::testing
