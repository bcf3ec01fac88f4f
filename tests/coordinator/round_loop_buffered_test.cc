#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/support/loop_fixture.h"

namespace rondo::coordinator {
namespace {

using rondo::testing::Fault;
using rondo::testing::LoopFixture;

void ExpectRuns(const Result<RunOutcome>& outcome) {
  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
}

/// Clients of three speeds: letters early in the alphabet are fast.
Duration BySpeed(const ClientId& client, const Offer& offer) {
  const int letter = client.back() - 'a';
  return std::chrono::milliseconds(1000 * (1 + letter % 3) + 10 * letter
                                   + static_cast<int>(offer.round) % 7);
}

void Buffer(LoopFixture& fixture, int buffer, int cohort) {
  fixture.scenario.strategy.buffer = buffer;
  fixture.scenario.strategy.cohort = cohort;
  fixture.scenario.strategy.rounds = 8;
}

TEST(BufferedRounds, WithoutDelayAndWithTheCohortAsBufferTheyHaveTheBitsOfSynchronousOnes) {
  const struct {
    const char* name;
    std::function<void(StrategyConfig&)> set;
    bool packs;
  } cases[] = {{"fedavg", [](StrategyConfig&) {}, false},
               {"fedavg in packs", [](StrategyConfig&) {}, true},
               {"fedadam", [](StrategyConfig& s) { s.server_optimizer = "adam"; }, false},
               {"fednova", [](StrategyConfig& s) { s.objective = "normalised"; }, false},
               {"median", [](StrategyConfig& s) { s.aggregator = "median"; }, false},
               {"norm_bounding",
                [](StrategyConfig& s) {
                  s.aggregator = "norm_bounding";
                  s.tau = 0.5;
                },
                false},
               {"nnm and krum",
                [](StrategyConfig& s) {
                  s.aggregator = "krum";
                  s.pre = {"nnm"};
                },
                false},
               {"uniform", [](StrategyConfig& s) { s.weighting = "uniform"; }, false}};

  for (const auto& [name, set, packs] : cases) {
    std::vector<RunState> ends;
    std::vector<std::vector<RoundReport>> rounds;
    for (const int buffer : {0, 4}) {
      LoopFixture fixture;
      Buffer(fixture, buffer, 4);  // Of six: cohorts are drawn.
      fixture.scenario.evaluation.every = 3;
      set(fixture.scenario.strategy);
      fixture.pool.packs = packs;
      const auto outcome = fixture.Run();
      ExpectRuns(outcome);
      ends.push_back(outcome->state);
      rounds.push_back(fixture.observer.rounds);
    }

    EXPECT_EQ(ends[0].model.values, ends[1].model.values) << name;
    EXPECT_EQ(ends[0].best_ndcg, ends[1].best_ndcg) << name;
    ASSERT_EQ(rounds[1].size(), 8U) << name;
    for (std::size_t i = 0; i < 8; ++i) {
      EXPECT_EQ(rounds[0][i].contributors, rounds[1][i].contributors);
      EXPECT_EQ(rounds[0][i].weight, rounds[1][i].weight);
      EXPECT_EQ(rounds[0][i].loss, rounds[1][i].loss);
      EXPECT_EQ(rounds[1][i].staleness, 0.0);
      EXPECT_FALSE(rounds[0][i].stale) << "a key of buffered rounds alone";
    }
  }
}

TEST(BufferedRounds, ARoundEndsWithTheKthAnswerAndOlderOnesCountAsStale) {
  LoopFixture fixture;
  Buffer(fixture, 2, 0);  // All six are always at work.
  fixture.pool.delay = BySpeed;
  const TimePoint start = fixture.clock.Now();
  const auto outcome = fixture.Run();
  ExpectRuns(outcome);

  // a and d answer after about a second, so that is when the first round ends.
  const auto& rounds = fixture.observer.rounds;
  ASSERT_EQ(rounds.size(), 8U);
  EXPECT_NEAR(rounds[0].seconds, 1.03, 0.01);
  EXPECT_EQ(rounds[0].staleness, 0.0);
  double oldest = 0.0;
  for (const RoundReport& round : rounds) {
    EXPECT_EQ(round.contributors, 2U);
    EXPECT_EQ(round.stale, 0U);
    oldest = std::max(oldest, round.staleness);
  }
  EXPECT_GE(oldest, 1.0);
  // Eight rounds of two answers, less than the time of eight synchronous ones.
  EXPECT_LT(fixture.clock.Now() - start, std::chrono::seconds(12));
}

TEST(BufferedRounds, TheCohortIsAlwaysFullAndEachPlaceIsFilledByAnotherClient) {
  LoopFixture fixture;
  Buffer(fixture, 2, 3);
  fixture.pool.delay = BySpeed;
  std::map<ClientId, int> offers;
  const auto outcome = fixture.Run();
  ExpectRuns(outcome);

  std::set<ClientId> at_work;
  std::set<ClientId> ever;
  std::set<ClientId> settled;
  for (const auto& call : fixture.pool.calls) {
    if (call.what == "dispatch") {
      for (const ClientId& client : call.clients) {
        EXPECT_TRUE(at_work.insert(client).second) << client << " was at work already";
        ever.insert(client);
      }
    } else if (call.what == "settle") {
      for (const ClientId& client : call.clients) {
        EXPECT_EQ(at_work.erase(client), 1U) << client << " was told twice";
      }
    }
    if (call.what == "announce") {
      break;  // The rounds are over; what follows is the evaluation.
    }
    // Those who answered stay in the set until their round ends.
    EXPECT_LE(at_work.size(), 3U + 2U);
  }
  EXPECT_EQ(ever.size(), 6U);
  // Whoever is left is told by the last announcement, before the run ends.
  EXPECT_EQ(fixture.pool.calls.end()[-2].what, "announce");
  EXPECT_TRUE(outcome->state.at_work.empty());
}

TEST(BufferedRounds, ClientsHearTheirResultUnderTheRoundOfTheirOffer) {
  LoopFixture fixture;
  Buffer(fixture, 2, 0);
  fixture.pool.delay = BySpeed;
  std::map<ClientId, RoundId> offered;
  const auto outcome = fixture.Run();
  ExpectRuns(outcome);

  bool late = false;
  RoundId newest = 0;
  for (const auto& call : fixture.pool.calls) {
    for (const ClientId& client : call.clients) {
      if (call.what == "dispatch") {
        offered[client] = call.round;
        newest = call.round;
      } else if (call.what == "settle") {
        EXPECT_EQ(offered[client], call.round);
        late = late || call.round < newest;
        EXPECT_EQ(call.included, call.clients);
      }
    }
  }
  EXPECT_TRUE(late);
  EXPECT_FALSE(outcome->state.results.empty());
}

TEST(BufferedRounds, UpdatesTooOldAreDroppedAndCountedAndTheRunGoesOn) {
  LoopFixture fixture;
  Buffer(fixture, 2, 0);
  fixture.scenario.strategy.max_staleness = 0;
  fixture.pool.delay = BySpeed;
  const auto outcome = fixture.Run();
  ExpectRuns(outcome);

  std::size_t stale = 0;
  for (const RoundReport& round : fixture.observer.rounds) {
    EXPECT_EQ(round.contributors, 2U);
    EXPECT_EQ(round.staleness, 0.0);
    EXPECT_EQ(round.dropped.size(), round.stale.value_or(99));
    stale += round.stale.value_or(0);
  }
  EXPECT_GT(stale, 0U);
}

TEST(BufferedRounds, FaultsOfOneClientCostNoRound) {
  for (const Fault fault : {Fault::kDropBeforeOffer,
                            Fault::kDropAfterOffer,
                            Fault::kSilent,
                            Fault::kWrongLayout,
                            Fault::kWrongBlock,
                            Fault::kNotFinite,
                            Fault::kNotFiniteLoss,
                            Fault::kTooHeavy,
                            Fault::kWeightless,
                            Fault::kDuplicate,
                            Fault::kStranger,
                            Fault::kOtherRound,
                            Fault::kOtherKind,
                            Fault::kGarbage,
                            Fault::kTwoContributors,
                            Fault::kBeyondGrid}) {
    for (RoundId from = 1; from <= 4; ++from) {
      LoopFixture fixture;
      Buffer(fixture, 3, 4);
      fixture.scenario.evaluation.every = 3;
      fixture.scenario.strategy.deadline_s = 60.0;
      fixture.pool.delay = BySpeed;
      fixture.pool.fault = [&](const ClientId& client, const Offer& offer) {
        const bool begins = offer.round == 0 || offer.round >= from;
        const bool trains = offer.kind == OfferKind::kTrain;
        return client == "client-b" && begins && trains ? fault : Fault::kNone;
      };
      const auto outcome = fixture.Run();
      ASSERT_TRUE(outcome.has_value())
          << static_cast<int>(fault) << ": " << outcome.error().message;

      EXPECT_EQ(outcome->state.round, 8U);
      EXPECT_EQ(outcome->state.void_rounds, 0U);
      for (const RoundReport& round : fixture.observer.rounds) {
        EXPECT_EQ(round.contributors, 3U) << static_cast<int>(fault);
        for (const auto& [client, why] : round.dropped) {
          EXPECT_EQ(client, "client-b");
        }
      }
    }
  }
}

TEST(BufferedRounds, SilentClientsLoseTheirPlaceAtTheirDeadline) {
  LoopFixture fixture;
  Buffer(fixture, 2, 2);
  fixture.scenario.strategy.deadline_s = 30.0;
  fixture.pool.delay = BySpeed;
  fixture.pool.fault = [](const ClientId& client, const Offer& offer) {
    return offer.round == 1 && offer.kind == OfferKind::kTrain && client < "client-e"
               ? Fault::kSilent
               : Fault::kNone;
  };
  const auto outcome = fixture.Run();
  ExpectRuns(outcome);

  std::size_t late = 0;
  for (const RoundReport& round : fixture.observer.rounds) {
    for (const auto& [client, why] : round.dropped) {
      EXPECT_EQ(why.code, ErrorCode::kTimeout);
      ++late;
    }
  }
  EXPECT_GT(late, 0U);
  EXPECT_EQ(outcome->state.round, 8U);
}

TEST(BufferedRounds, WhereEverybodyIsLostTheRoundIsVoidAndKeepsTheModel) {
  LoopFixture fixture;
  Buffer(fixture, 3, 3);
  fixture.scenario.strategy.quorum = 2;
  fixture.pool.fault = [](const ClientId& client, const Offer& offer) {
    return offer.round == 2 && client != "client-a" ? Fault::kDropAfterOffer : Fault::kNone;
  };
  const auto outcome = fixture.Run();
  ExpectRuns(outcome);

  EXPECT_TRUE(fixture.observer.rounds.at(1).is_void);
  EXPECT_EQ(fixture.sink.states.at(0).model.values, fixture.sink.states.at(1).model.values);
  EXPECT_EQ(fixture.observer.rounds.at(1).dropped.size(), 5U);
  EXPECT_EQ(outcome->state.void_rounds, 1U);
}

TEST(BufferedRounds, ThoseAtWorkFinishBeforeAnEvaluationAndTheirAnswersCount) {
  LoopFixture fixture;
  Buffer(fixture, 2, 0);
  fixture.scenario.evaluation.every = 1;
  fixture.pool.delay = BySpeed;
  const auto outcome = fixture.Run();
  ExpectRuns(outcome);

  EXPECT_EQ(fixture.observer.validations.size(), 8U);
  for (const ValidationReport& validation : fixture.observer.validations) {
    EXPECT_EQ(validation.contributors, 6U);
  }
  // Nobody was lost: what was under way counted in the next rounds.
  for (const RoundReport& round : fixture.observer.rounds) {
    EXPECT_EQ(round.contributors, 2U);
    EXPECT_TRUE(round.dropped.empty());
  }
  EXPECT_GT(fixture.observer.rounds.at(1).staleness, 0.0);
}

TEST(BufferedRounds, AResumedRunInvitesThoseFirstWhoseWorkWasLost) {
  LoopFixture straight(10);
  Buffer(straight, 2, 4);
  straight.pool.delay = BySpeed;
  ExpectRuns(straight.Run());

  for (std::size_t i = 0; i + 1 < straight.sink.states.size(); ++i) {
    const RunState& checkpoint = straight.sink.states[i];
    LoopFixture resumed(10);
    Buffer(resumed, 2, 4);
    resumed.pool.delay = BySpeed;
    resumed.start = checkpoint;
    const auto outcome = resumed.Run();
    ExpectRuns(outcome);

    EXPECT_EQ(outcome->state.round, 8U);
    if (resumed.pool.calls.front().what != "dispatch") {
      continue;  // From the last checkpoint nothing is left to do.
    }
    const auto& first = resumed.pool.calls.front();
    EXPECT_EQ(first.clients.size(), 4U);
    EXPECT_EQ(first.round, checkpoint.round + 1);
    EXPECT_GE(checkpoint.at_work.size(), 2U);
    for (const ClientId& client : checkpoint.at_work) {
      EXPECT_EQ(std::count(first.clients.begin(), first.clients.end(), client), 1) << client;
    }
  }
}

TEST(BufferedRounds, AStopAtAnyRoundCanBeResumed) {
  for (RoundId stop_at = 1; stop_at <= 8; ++stop_at) {
    LoopFixture stopped;
    Buffer(stopped, 2, 3);
    stopped.scenario.checkpoint.every = 100;  // The stop itself has to save.
    stopped.pool.delay = BySpeed;
    stopped.pool.on_dispatch = [&](RoundId round) {
      if (round == stop_at) {
        stopped.stop.request_stop();
      }
    };
    const auto cancelled = stopped.Run();
    ASSERT_FALSE(cancelled.has_value());
    EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);
    EXPECT_TRUE(stopped.pool.calls.back().is_void) << "those at work were not told to give up";

    LoopFixture resumed;
    Buffer(resumed, 2, 3);
    resumed.pool.delay = BySpeed;
    if (!stopped.sink.states.empty()) {
      resumed.start = stopped.sink.states.back();
    }
    EXPECT_EQ(resumed.start.round, stop_at - 1);
    const auto outcome = resumed.Run();
    ExpectRuns(outcome);
    EXPECT_EQ(outcome->state.round, 8U);
  }
}

TEST(BufferedRounds, WhatTheyCannotHaveIsRefusedWithTheReason) {
  const struct {
    std::function<void(Scenario&)> set;
    ErrorCode code;
    const char* message;
  } cases[] = {
      {[](Scenario& s) { s.privacy.mode = "masked"; }, ErrorCode::kUnsupported, "masks cancel"},
      {[](Scenario& s) { s.strategy.objective = "control_variates"; },
       ErrorCode::kUnsupported,
       "control_variates"},
      {[](Scenario& s) { s.strategy.objective = "dynamic"; }, ErrorCode::kUnsupported, "dynamic"},
      {[](Scenario& s) { s.strategy.over_selection = 1.5; },
       ErrorCode::kInvalidArgument,
       "over_selection"},
      {[](Scenario& s) { s.strategy.quorum = 4; }, ErrorCode::kInvalidArgument, "quorum is 4"},
      {[](Scenario& s) { s.strategy.aggregator = "krum"; },
       ErrorCode::kInvalidArgument,
       "the buffer has 3"}};

  for (const auto& [set, code, message] : cases) {
    Scenario scenario;
    scenario.strategy.buffer = 3;
    scenario.strategy.f = 1;
    set(scenario);
    const auto strategy = Strategy::Create(scenario);
    ASSERT_FALSE(strategy.has_value()) << message;
    EXPECT_EQ(strategy.error().code, code);
    EXPECT_EQ(ExitCode(strategy.error().code), 4);
    EXPECT_NE(strategy.error().message.find(message), std::string::npos)
        << strategy.error().message;
  }
  StrategyConfig config;
  config.buffer = 9;
  EXPECT_EQ(Strategy::CheckClients(config, 8, "the number of clients is").error().message,
            "strategy.buffer is 9, but the number of clients is 8; lower it");
}

}  // namespace
}  // namespace rondo::coordinator
