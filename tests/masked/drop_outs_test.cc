#include <array>

#include "tests/masked/federation.h"

/// Members that vanish in the middle of a masked round.
namespace rondo::testing {
namespace {

using DropOutsTest = MaskedFederation;

/// Breaks the connection in place of the first message of a step in round 1; says whether it did.
WatchedChannel::Watch VanishAt(std::size_t step, bool& vanished) {
  return [step, &vanished](const secagg::ClientMessage& message) {
    if (vanished || message.index() != step) {
      return true;
    }
    vanished = true;
    return false;
  };
}

TEST_F(DropOutsTest, OneMayVanishAtAnyStep) {
  // Its vector counts once it is whole: from step 3 on.
  for (std::size_t step = 0; step < 5; ++step) {
    SCOPED_TRACE(step);
    scenario.strategy.rounds = 1;
    bool vanished = false;
    watches.assign(ids.size(), nullptr);
    watches[1] = VanishAt(step, vanished);

    const auto outcome = Run();

    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_TRUE(vanished);
    ASSERT_EQ(observer.rounds.size(), 1U);
    const bool counts = step >= 3;
    EXPECT_EQ(observer.rounds[0].contributors, counts ? 5U : 4U);
    const std::vector<std::size_t> in = counts ? Everyone() : std::vector<std::size_t>{0, 2, 3, 4};
    ExpectMovedBy(*outcome, ExpectedStep(in));
    EXPECT_EQ(records[1].rounds_included, counts ? 1U : 0U);
    EXPECT_FALSE(records[1].pending.has_value());
    std::filesystem::remove_all(StateOf(1));
  }
}

TEST_F(DropOutsTest, BelowTheThresholdTheRoundIsVoidAndTheNextOneIsNot) {
  // Four of five are needed.
  for (std::size_t step = 0; step < 5; ++step) {
    SCOPED_TRACE(step);
    std::array<bool, 2> vanished{};
    watches.assign(ids.size(), nullptr);
    watches[1] = VanishAt(step, vanished[0]);
    watches[3] = VanishAt(step, vanished[1]);
    scenario.privacy.min_clients = 4;
    scenario.strategy.quorum = 5;

    const auto outcome = Run();

    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_TRUE(vanished[0] && vanished[1]);
    ASSERT_EQ(observer.rounds.size(), 2U);
    EXPECT_TRUE(observer.rounds[0].is_void);
    EXPECT_FALSE(observer.rounds[1].is_void);
    ExpectMovedBy(*outcome, ExpectedStep(Everyone()));
    for (const client::ClientRecord& record : records) {
      EXPECT_EQ(record.rounds_included, 1U);
    }
    for (std::size_t i = 0; i < ids.size(); ++i) {
      std::filesystem::remove_all(StateOf(i));
    }
  }
}

}  // namespace
}  // namespace rondo::testing
