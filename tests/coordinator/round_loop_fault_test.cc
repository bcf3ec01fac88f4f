// Every fault of a client, at every step, with and without a quorum left.
#include <gtest/gtest.h>

#include "coordinator/run_checkpoints.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/temporary_folder.h"

namespace rondo::coordinator {
namespace {

using rondo::testing::Fault;
using rondo::testing::LoopFixture;

struct Case {
  const char* name;
  Fault fault;
  std::optional<ErrorCode> drop;  ///< how the client is reported; nothing if it still contributes
  bool waits = false;             ///< until the deadline
};

void PrintTo(const Case& value, std::ostream* out) {
  *out << value.name;
}

class ClientFaults : public ::testing::TestWithParam<Case> {
 protected:
  /// In round 2, the first `clients` clients have the fault.
  static void Break(LoopFixture& fixture, char last, RoundId round = 2) {
    const Fault fault = GetParam().fault;
    fixture.pool.fault = [fault, last, round, &fixture](const ClientId& client,
                                                        const Offer& offer) {
      const bool now = fault == Fault::kDropBeforeOffer
                           ? fixture.observer.rounds.size() + 1 == round
                           : offer.round == round && offer.kind == OfferKind::kTrain;
      return now && client.back() <= last ? fault : Fault::kNone;
    };
  }
};

TEST_P(ClientFaults, CostOnlyTheClientWhileAQuorumIsLeft) {
  LoopFixture fixture;
  fixture.scenario.strategy.rounds = 3;
  fixture.scenario.strategy.quorum = 4;
  Break(fixture, 'b');

  const auto outcome = fixture.Run();

  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  ASSERT_EQ(fixture.observer.rounds.size(), 3U);
  const RoundReport& report = fixture.observer.rounds[1];
  EXPECT_FALSE(report.is_void);
  EXPECT_EQ(report.contributors, GetParam().drop ? 4U : 6U);
  EXPECT_EQ(report.seconds >= fixture.scenario.strategy.deadline_s, GetParam().waits);
  if (GetParam().fault != Fault::kDropBeforeOffer && GetParam().drop) {
    ASSERT_EQ(report.dropped.size(), 2U);
    EXPECT_EQ(report.dropped[0].first, "client-a");
    EXPECT_EQ(report.dropped[0].second.code, *GetParam().drop) << report.dropped[0].second.message;
  }
  EXPECT_EQ(fixture.observer.rounds[2].contributors, 6U);
}

TEST_P(ClientFaults, EqualARoundWithoutThoseContributions) {
  LoopFixture faulty;
  faulty.scenario.strategy.rounds = 3;
  Break(faulty, 'b');
  LoopFixture absent;
  absent.scenario.strategy.rounds = 3;
  absent.pool.fault = [&](const ClientId& client, const Offer&) {
    return absent.observer.rounds.size() == 1 && client.back() <= 'b' ? Fault::kDropBeforeOffer
                                                                      : Fault::kNone;
  };
  if (!GetParam().drop) {
    absent.pool.fault = [](const ClientId&, const Offer&) {
      return Fault::kNone;
    };
  } else if (GetParam().fault != Fault::kDropBeforeOffer) {
    // Keep the grid, which depends on the number of invited clients.
    absent.pool.fault = [](const ClientId& client, const Offer& offer) {
      return offer.round == 2 && offer.kind == OfferKind::kTrain && client.back() <= 'b'
                 ? Fault::kSilent
                 : Fault::kNone;
    };
  }

  EXPECT_EQ(faulty.Run().value().state.model.values, absent.Run().value().state.model.values);
}

TEST_P(ClientFaults, WithoutQuorumTheRoundIsVoidAndChangesNothing) {
  if (!GetParam().drop) {
    return;  // The client contributes all the same: no quorum is lost.
  }
  for (const char* optimizer : {"sgd", "adam"}) {
    LoopFixture fixture;
    fixture.scenario.strategy.rounds = 3;
    fixture.scenario.strategy.quorum = 4;
    fixture.scenario.strategy.server_optimizer = optimizer;
    fixture.scenario.strategy.server_momentum = 0.9;
    Break(fixture, 'c');

    const auto outcome = fixture.Run();

    ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
    EXPECT_TRUE(fixture.observer.rounds[1].is_void);
    EXPECT_EQ(fixture.observer.rounds[1].reason->code, ErrorCode::kTooFewClients);
    ASSERT_GE(fixture.sink.states.size(), 3U);
    const RunState& before = fixture.sink.states[0];
    const RunState& after = fixture.sink.states[1];
    EXPECT_EQ(after.round, 2U);
    EXPECT_EQ(after.void_rounds, 1U);
    EXPECT_EQ(after.model.values, before.model.values);
    EXPECT_EQ(after.optimizer_steps, before.optimizer_steps);
    ASSERT_EQ(after.optimizer_state.size(), before.optimizer_state.size());
    for (std::size_t i = 0; i < before.optimizer_state.size(); ++i) {
      EXPECT_EQ(after.optimizer_state[i].second.values, before.optimizer_state[i].second.values);
    }
    for (const auto& call : fixture.pool.calls) {
      if (call.what == "announce" && call.round == 2) {
        EXPECT_TRUE(call.is_void);
        EXPECT_TRUE(call.clients.empty());
      }
    }
    EXPECT_FALSE(fixture.observer.rounds[2].is_void);
    EXPECT_EQ(fixture.sink.states[2].void_in_a_row, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All,
    ClientFaults,
    ::testing::Values(Case{"DropBeforeOffer", Fault::kDropBeforeOffer, ErrorCode::kUnavailable},
                      Case{"DropAfterOffer", Fault::kDropAfterOffer, ErrorCode::kUnavailable},
                      Case{"Silent", Fault::kSilent, ErrorCode::kTimeout, true},
                      Case{"WrongLayout", Fault::kWrongLayout, ErrorCode::kCorrupt},
                      Case{"WrongBlock", Fault::kWrongBlock, ErrorCode::kCorrupt},
                      Case{"NotFinite", Fault::kNotFinite, ErrorCode::kDiverged},
                      Case{"NotFiniteLoss", Fault::kNotFiniteLoss, ErrorCode::kDiverged},
                      Case{"TooHeavy", Fault::kTooHeavy, ErrorCode::kCorrupt},
                      Case{"Weightless", Fault::kWeightless, ErrorCode::kCorrupt},
                      Case{"Garbage", Fault::kGarbage, ErrorCode::kCorrupt},
                      Case{"TwoContributors", Fault::kTwoContributors, ErrorCode::kCorrupt},
                      Case{"BeyondGrid", Fault::kBeyondGrid, ErrorCode::kCorrupt},
                      Case{"OtherRound", Fault::kOtherRound, ErrorCode::kTimeout, true},
                      Case{"OtherKind", Fault::kOtherKind, ErrorCode::kTimeout, true},
                      Case{"Duplicate", Fault::kDuplicate, std::nullopt},
                      Case{"Stranger", Fault::kStranger, std::nullopt}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(RoundLoopFaults, TooManyVoidRoundsEndTheRunAndKeepTheCheckpoint) {
  LoopFixture fixture;
  fixture.scenario.strategy.rounds = 50;
  fixture.scenario.strategy.quorum = 4;
  fixture.pool.fault = [](const ClientId& client, const Offer& offer) {
    return offer.round >= 3 && client < "client-d" ? Fault::kDropAfterOffer : Fault::kNone;
  };

  const auto outcome = fixture.Run();

  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::kTooFewClients);
  EXPECT_EQ(fixture.observer.rounds.size(), 5U);
  EXPECT_EQ(fixture.sink.states.back().round, 5U);
  EXPECT_EQ(fixture.sink.states.back().model.values, fixture.sink.states[1].model.values);
}

TEST(RoundLoopFaults, NobodyThereIsAVoidRoundAfterTheDeadline) {
  LoopFixture fixture(0);

  const auto outcome = fixture.Run();

  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::kTooFewClients);
  ASSERT_EQ(fixture.observer.rounds.size(), 3U);
  EXPECT_GE(fixture.observer.rounds[0].seconds, fixture.scenario.strategy.deadline_s);
  EXPECT_EQ(fixture.sink.states.back().model.values, fixture.start.model.values);
}

TEST(RoundLoopFaults, ADivergingServerStepVoidsTheRound) {
  LoopFixture fixture;
  fixture.scenario.strategy.server_learning_rate = 1e40;

  const auto outcome = fixture.Run();

  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::kDiverged);
  EXPECT_EQ(fixture.observer.rounds.size(), 3U);
  EXPECT_TRUE(fixture.observer.rounds[0].is_void);
  EXPECT_EQ(fixture.sink.states.back().model.values, fixture.start.model.values);
  EXPECT_EQ(fixture.sink.states.back().optimizer_steps, 0U);
}

TEST(RoundLoopFaults, AKillBetweenCheckpointAndAnnouncementLosesNoResult) {
  LoopFixture fixture;
  fixture.scenario.strategy.rounds = 2;
  fixture.scenario.strategy.quorum = 2;
  fixture.pool.fault = [](const ClientId& client, const Offer& offer) {
    const bool broken = client == "client-b" || offer.round == 2;
    return broken && offer.kind == OfferKind::kTrain ? Fault::kDropAfterOffer : Fault::kNone;
  };
  const rondo::testing::TemporaryFolder folder;
  auto checkpoints =
      RunCheckpoints::Open({.folder = folder.path(), .layout = fixture.layout}, {.seed = 1});
  ASSERT_TRUE(checkpoints.has_value());
  std::vector<RunState> on_disk;  // What a process that starts after each save finds.
  fixture.sink.on_save = [&](const RunState& state) {
    const bool announced = !fixture.pool.calls.empty()
                           && fixture.pool.calls.back().what == "announce"
                           && fixture.pool.calls.back().round == state.round;
    const bool first_time = on_disk.empty() || on_disk.back().round < state.round;
    EXPECT_FALSE(first_time && announced) << "round " << state.round;
    ASSERT_TRUE(checkpoints->Save(state).has_value());
    on_disk.push_back(checkpoints->Latest().value().value());
  };

  ASSERT_TRUE(fixture.Run().has_value());

  ASSERT_GE(on_disk.size(), 2U);
  const auto& first = on_disk[0].results;
  ASSERT_EQ(first.size(), 6U);
  EXPECT_TRUE(first.at("client-a").included);
  EXPECT_FALSE(first.at("client-b").included);
  EXPECT_FALSE(first.at("client-a").is_void);
  EXPECT_EQ(first.at("client-a").round, 1U);
  EXPECT_EQ(first.at("client-a").model_sha256, LoopFixture::Digest(on_disk[0].model));
  const auto& second = on_disk[1].results;
  // Who was away in both rounds must still hear that the first one counted.
  EXPECT_EQ(second.at("client-a").round, 1U);
  EXPECT_TRUE(second.at("client-a").included);
  EXPECT_EQ(second.at("client-b").round, 2U);
  EXPECT_TRUE(second.at("client-b").is_void);
  EXPECT_FALSE(second.at("client-b").included);
}

TEST(RoundLoopFaults, EvaluationGoesOnWithoutBrokenClients) {
  LoopFixture fixture;
  fixture.scenario.strategy.rounds = 1;
  fixture.pool.fault = [](const ClientId& client, const Offer& offer) {
    if (offer.kind == OfferKind::kTrain) {
      return Fault::kNone;
    }
    return client < "client-b"   ? Fault::kSilent
           : client < "client-c" ? Fault::kWrongLayout
                                 : Fault::kNone;
  };

  ASSERT_TRUE(fixture.Run().has_value());

  ASSERT_EQ(fixture.observer.validations.size(), 1U);
  EXPECT_EQ(fixture.observer.validations[0].contributors, 4U);
  EXPECT_EQ(fixture.observer.validations[0].dropped.size(), 2U);
  EXPECT_EQ(fixture.observer.validations[0].metrics->users, 80U);
}

}  // namespace
}  // namespace rondo::coordinator
