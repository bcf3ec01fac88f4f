#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/aggregators/single_updates.h"
#include "tests/coordinator/aggregator_rules_fixture.h"
#include "tests/support/loop_fixture.h"

/// Rounds whose aggregator looks at single updates.
namespace rondo::coordinator {
namespace {

using testing::Fault;
using ::testing::HasSubstr;
using testing::LoopFixture;

TEST(RobustRounds, FewerUpdatesThanTheRuleNeedsVoidTheRound) {
  LoopFixture fixture(7);
  fixture.scenario.strategy.aggregator = "krum";
  fixture.scenario.strategy.f = 2;
  fixture.scenario.strategy.rounds = 2;
  fixture.pool.fault = [](const ClientId& client, const Offer& offer) {
    return offer.round == 2 && client == "client-c" ? Fault::kDropAfterOffer : Fault::kNone;
  };

  const auto outcome = fixture.Run();

  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  ASSERT_EQ(fixture.observer.rounds.size(), 2U);
  EXPECT_FALSE(fixture.observer.rounds[0].is_void);
  const RoundReport& second = fixture.observer.rounds[1];
  ASSERT_TRUE(second.is_void);
  EXPECT_EQ(second.reason->code, ErrorCode::kTooFewClients);
  EXPECT_THAT(second.reason->message,
              HasSubstr("krum needs at least 2 f + 3 = 7 updates with f = 2, but round 2 has 6"));
  EXPECT_EQ(fixture.sink.states[0].model.values, fixture.sink.states[1].model.values);
}

TEST(RobustRounds, AnUpdateThatIsNotFiniteIsDroppedAndNamed) {
  LoopFixture fixture(6);
  fixture.scenario.strategy.aggregator = "median";
  fixture.scenario.strategy.f = 1;
  fixture.scenario.strategy.rounds = 1;
  fixture.pool.fault = [](const ClientId& client, const Offer&) {
    return client == "client-b" ? Fault::kNotFinite : Fault::kNone;
  };

  const auto outcome = fixture.Run();

  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  const RoundReport& round = fixture.observer.rounds.at(0);
  EXPECT_EQ(round.contributors, 5U);
  ASSERT_EQ(round.dropped.size(), 1U);
  EXPECT_EQ(round.dropped[0].first, "client-b");
  EXPECT_EQ(round.dropped[0].second.code, ErrorCode::kDiverged);
  for (const float value : outcome->state.model.values) {
    ASSERT_TRUE(std::isfinite(value));
  }
}

TEST(RobustRounds, ArrivalChangesNoBit) {
  const auto run = [](const std::string& rule, bool reversed) {
    LoopFixture fixture(6);
    fixture.scenario.strategy.aggregator = rule;
    fixture.scenario.strategy.f = 1;
    fixture.scenario.strategy.pre = {"bucketing"};
    fixture.scenario.strategy.rounds = 2;
    if (reversed) {
      fixture.pool.reorder = [](auto& events) {
        std::reverse(events.begin(), events.end());
      };
    }
    return LoopFixture::Digest(fixture.Run().value().state.model);
  };

  for (const char* rule : {"geometric_median", "trimmed_mean", "norm_bounding"}) {
    EXPECT_EQ(run(rule, false), run(rule, true)) << rule;
  }
}

UpdateSum Single(const std::shared_ptr<const ParameterLayout>& layout,
                 const GridSpec& grid,
                 const std::vector<float>& values,
                 std::uint64_t weight) {
  UpdateSum sum{.weight = weight, .contributors = 1};
  sum.blocks.push_back(MakeBlock(std::string(kDeltaBlock), layout, grid, Scaling::kByWeight));
  Rng rng({});
  EXPECT_TRUE(FoldDense(sum.blocks[0], values, weight, &rng).has_value());
  return sum;
}

TEST(SingleUpdates, UndoWeightAndGrid) {
  const auto layout = ParameterLayout::Create({{.name = "x", .shape = {4}}}).value();
  const GridSpec ring{.kind = GridSpec::Kind::kRing, .bits = 32, .step = 0x1p-16, .limit = 0x1p12};
  for (const GridSpec& grid : {GridSpec{}, ring}) {
    const auto aggregator =
        NewSingleUpdates({.config = {.aggregator = "median", .f = 1}, .round = 1});
    for (const auto& [values, weight] :
         {std::pair{std::vector<float>{1, -2, 3, 0.5F}, std::uint64_t{1}},
          std::pair{std::vector<float>{-1, 8, 3.25F, 0.25F}, std::uint64_t{900}},
          std::pair{std::vector<float>{0.5F, -4, 7, -0.25F}, std::uint64_t{7}}}) {
      ASSERT_TRUE(aggregator->Accumulate(Single(layout, grid, values, weight)).has_value());
    }
    EXPECT_EQ(std::move(*aggregator).Report().value().values,
              (std::vector<float>{0.5F, -2.0F, 3.25F, 0.25F}));
  }
}

TEST(SingleUpdates, RefuseSums) {
  const auto layout = ParameterLayout::Create({{.name = "x", .shape = {1}}}).value();
  UpdateSum pair = Single(layout, {}, {1}, 1);
  ASSERT_TRUE(pair.Add(Single(layout, {}, {2}, 1)).has_value());
  const auto aggregator = NewSingleUpdates({.config = {.aggregator = "krum"}, .round = 1});

  EXPECT_EQ(aggregator->Accumulate(std::move(pair)).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(aggregator->Accumulate(UpdateSum{}).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(std::move(*aggregator).Report().error().code, ErrorCode::kTooFewClients);
}

}  // namespace
}  // namespace rondo::coordinator
