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
    state.BeginPending(4);
    ASSERT_TRUE(state.Resolve(4, true).has_value());
    state.CountDecline();
    ASSERT_TRUE(state.Flush().has_value());
  }

  const ClientState state = ClientState::Open(folder / "s").value();

  EXPECT_EQ(state.record().rounds_included, 1u);
  EXPECT_EQ(state.record().last_round, 4u);
  EXPECT_EQ(state.record().tasks_declined, 1u);
}

TEST(ClientState, AResultOfAnotherRoundLeavesWhatIsPending) {
  const TemporaryFolder folder;
  ClientState state = ClientState::Open(folder.path()).value();
  state.BeginPending(5);

  ASSERT_TRUE(state.Resolve(4, true).has_value());

  EXPECT_EQ(state.pending(), std::optional<RoundId>(5));
  EXPECT_EQ(state.record().rounds_included, 0u);
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
