#include "coordinator/buffered_work.h"

#include <gtest/gtest.h>

#include "coordinator/aggregators/mean.h"

namespace rondo::coordinator {
namespace {

const TimePoint kNow{std::chrono::hours(1)};

std::shared_ptr<const ParameterLayout> Layout() {
  return ParameterLayout::Create({{.name = "w", .shape = {2}}}).value();
}

ContributionSpec SpecOf(RoundId round, Visibility visibility = Visibility::kSumOnly) {
  ContributionSpec spec{.round = round, .max_weight = 16, .visibility = visibility};
  spec.blocks.push_back({.name = std::string(kDeltaBlock),
                         .layout = Layout(),
                         .grid = MakeGrid(PrivacyConfig{}, 16, 4 * kDiscountLevels).value()});
  return spec;
}

UpdateSum Update(std::vector<float> delta, std::uint64_t weight) {
  const ContributionSpec spec = SpecOf(1);
  UpdateSum sum{.weight = weight, .contributors = 1};
  sum.blocks.push_back(MakeBlock(
      std::string(kDeltaBlock), spec.blocks[0].layout, spec.blocks[0].grid, Scaling::kByWeight));
  EXPECT_TRUE(FoldDense(sum.blocks[0], delta, weight, nullptr).has_value());
  return sum;
}

StrategyConfig Config(int buffer) {
  StrategyConfig config;
  config.buffer = buffer;
  return config;
}

/// Clients at work, with one round open.
class BufferedWorkTest : public ::testing::Test {
 protected:
  BufferedSession Open(RoundId round, const StrategyConfig& config) {
    return BufferedSession({.work = work_, .round = round, .config = config});
  }

  void Answer(BufferedSession& session, const ClientId& client, UpdateSum sum, double loss = 1.0) {
    const auto step = session.AddPack({client}, std::move(sum), loss);
    ASSERT_TRUE(step.has_value()) << step.error().message;
  }

  std::vector<float> MeanOf(BufferedSession session) {
    const auto aggregator = NewMeanAggregator();
    std::vector<UpdateSum> sums = std::move(session).Take().value();
    for (UpdateSum& sum : sums) {
      EXPECT_TRUE(aggregator->Accumulate(std::move(sum)).has_value());
    }
    return std::move(*aggregator).Report().value().values;
  }

  BufferedWork work_{ClearSessions()};
};

TEST(Discount, LevelsAreTwoHundredAndFiftySixthsOfThePower) {
  const struct {
    std::uint64_t staleness;
    double exponent;
    std::uint64_t level;
  } cases[] = {{0, 0.5, 256},  // 1
               {1, 0.5, 181},  // 256 / sqrt 2 = 181.02
               {3, 0.5, 128},
               {8, 0.5, 85},   // 256 / 3 = 85.33
               {99, 0.5, 26},  // 25.6
               {7, 0.0, 256},
               {1, 1.0, 128},
               {2, 1.0, 85},
               {1, 10.0, 0}};  // 1 / 4

  for (const auto& [staleness, exponent, level] : cases) {
    EXPECT_EQ(DiscountLevel(staleness, exponent), level) << staleness << ", " << exponent;
  }
}

TEST_F(BufferedWorkTest, AStaleUpdateCountsLessInTheMeanAndAFreshOneAsMuchAsEver) {
  work_.Begin({"old"}, SpecOf(2), TimePoint::max());
  work_.Begin({"new"}, SpecOf(5), TimePoint::max());
  BufferedSession session = Open(5, Config(2));

  Answer(session, "new", Update({1.0F, -2.0F}, 3));
  EXPECT_EQ(session.missing(), 1U);
  Answer(session, "old", Update({4.0F, 8.0F}, 1));  // 3 rounds old: 1 / sqrt 4 of itself

  ASSERT_TRUE(session.complete());
  EXPECT_EQ(session.mean_staleness(), 1.5);
  // (3 * 1 + 1 * 4 / 2) / (3 + 1) and (3 * -2 + 1 * 8 / 2) / (3 + 1)
  EXPECT_EQ(MeanOf(std::move(session)), (std::vector<float>{1.25F, -0.5F}));
}

TEST_F(BufferedWorkTest, WithoutStalenessTheMeanHasTheBitsOfAPlainSum) {
  work_.Begin({"a", "b"}, SpecOf(7), TimePoint::max());
  BufferedSession session = Open(7, Config(2));
  Answer(session, "b", Update({0.1F, 1e-9F}, 7));
  Answer(session, "a", Update({-0.7F, 3e-7F}, 5));

  UpdateSum plain = Update({0.1F, 1e-9F}, 7);
  ASSERT_TRUE(plain.Add(Update({-0.7F, 3e-7F}, 5)).has_value());
  const auto aggregator = NewMeanAggregator();
  ASSERT_TRUE(aggregator->Accumulate(plain).has_value());

  EXPECT_EQ(MeanOf(std::move(session)), std::move(*aggregator).Report().value().values);
}

TEST_F(BufferedWorkTest, OrderOfArrivalChangesNoBit) {
  std::vector<std::vector<float>> means;
  for (const auto& order : {std::vector<ClientId>{"a", "b", "c"}, {"c", "a", "b"}}) {
    work_ = BufferedWork(ClearSessions());
    work_.Begin({"a"}, SpecOf(1), TimePoint::max());
    work_.Begin({"b", "c"}, SpecOf(3), TimePoint::max());
    BufferedSession session = Open(3, Config(3));
    for (const ClientId& client : order) {
      const float x = static_cast<float>(client[0]) * 0.0123F;
      Answer(session, client, Update({x, -x / 3}, static_cast<std::uint64_t>(client[0] - 'a' + 1)));
    }
    means.push_back(MeanOf(std::move(session)));
  }

  EXPECT_EQ(means[0], means[1]);
}

TEST_F(BufferedWorkTest, UpdatesOlderThanAllowedAreDroppedAndCounted) {
  StrategyConfig config = Config(2);
  config.max_staleness = 3;
  work_.Begin({"just"}, SpecOf(7), TimePoint::max());
  work_.Begin({"older"}, SpecOf(6), TimePoint::max());
  BufferedSession session = Open(10, config);

  Answer(session, "older", Update({1.0F, 1.0F}, 1));
  Answer(session, "just", Update({1.0F, 1.0F}, 1));

  EXPECT_EQ(session.stale(), 1U);
  EXPECT_EQ(session.contributors(), std::vector<ClientId>{"just"});
  ASSERT_EQ(session.dropped().size(), 1U);
  EXPECT_EQ(session.dropped()[0].first, "older");
  EXPECT_EQ(session.dropped()[0].second.message,
            "the update is 4 rounds old, strategy.max_staleness is 3");
  EXPECT_EQ(session.ended().at(6).asked, std::vector<ClientId>{"older"});
  EXPECT_TRUE(session.ended().at(6).included.empty());
  EXPECT_EQ(session.ended().at(7).included, std::vector<ClientId>{"just"});
}

TEST_F(BufferedWorkTest, AnswersBeyondTheBufferWaitForTheNextRound) {
  work_.Begin({"a", "b", "c"}, SpecOf(1), TimePoint::max());
  BufferedSession first = Open(1, Config(2));
  for (const ClientId client : {"b", "a", "c"}) {
    Answer(first, client, Update({1.0F, 1.0F}, 1));
  }
  EXPECT_EQ(first.contributors(), (std::vector<ClientId>{"a", "b"}));

  work_.EndRound();
  EXPECT_TRUE(work_.MayInvite("a"));
  EXPECT_FALSE(work_.MayInvite("c")) << "its answer would be there twice";
  EXPECT_EQ(work_.Unfinished(), std::vector<ClientId>{"c"});
  BufferedSession second = Open(2, Config(2));
  ASSERT_TRUE(second.Start(kNow).has_value());

  EXPECT_EQ(second.contributors(), std::vector<ClientId>{"c"});
  EXPECT_EQ(second.mean_staleness(), 1.0);
}

TEST_F(BufferedWorkTest, AClientIsNotInvitedAgainBeforeItsRoundHasEnded) {
  work_.Begin({"a", "b", "c"}, SpecOf(1), TimePoint::max());
  BufferedSession session = Open(1, Config(3));
  Answer(session, "a", Update({1.0F, 1.0F}, 1));
  session.Drop("b", Error{ErrorCode::kUnavailable, "connection lost"});

  EXPECT_FALSE(work_.MayInvite("a"));
  EXPECT_FALSE(work_.MayInvite("b"));
  EXPECT_FALSE(work_.MayInvite("c"));
  EXPECT_TRUE(work_.MayInvite("d"));
  EXPECT_EQ(work_.at_work(), 1U);
  work_.EndRound();
  EXPECT_TRUE(work_.MayInvite("a"));
  EXPECT_TRUE(work_.MayInvite("b"));
  EXPECT_FALSE(work_.MayInvite("c"));
}

TEST_F(BufferedWorkTest, WhoIsSilentIsLostAtTheDeadlineOfItsOffer) {
  work_.Begin({"a"}, SpecOf(1), kNow + std::chrono::seconds(5));
  work_.Begin({"b"}, SpecOf(1), kNow + std::chrono::seconds(9));
  EXPECT_EQ(work_.NextDeadline(), kNow + std::chrono::seconds(5));
  BufferedSession session = Open(2, Config(2));

  ASSERT_TRUE(session.Tick(kNow + std::chrono::seconds(5)).has_value());

  ASSERT_EQ(session.dropped().size(), 1U);
  EXPECT_EQ(session.dropped()[0].first, "a");
  EXPECT_EQ(session.dropped()[0].second.code, ErrorCode::kTimeout);
  EXPECT_EQ(work_.OfferOf("b"), 1U);
  Answer(session, "a", Update({1.0F, 1.0F}, 1));  // Too late.
  EXPECT_TRUE(session.contributors().empty());
}

TEST_F(BufferedWorkTest, AnswersThatBreakTheOfferLoseTheirSenderAlone) {
  work_.Begin({"heavy", "other"}, SpecOf(1), TimePoint::max());
  BufferedSession session = Open(1, Config(1));

  Answer(session, "heavy", Update({1.0F, 1.0F}, 17));  // Allowed are 16.
  Answer(session, "stranger", Update({1.0F, 1.0F}, 1));
  EXPECT_TRUE(session.contributors().empty());
  ASSERT_EQ(session.dropped().size(), 1U);
  EXPECT_EQ(session.dropped()[0].first, "heavy");
  Answer(session, "other", Update({1.0F, 1.0F}, 1));
  EXPECT_TRUE(session.complete());
}

TEST_F(BufferedWorkTest, TheFullestBufferOfTheHeaviestUpdatesStaysOnTheGrid) {
  const ContributionSpec spec = SpecOf(1);
  const auto most = static_cast<float>(spec.blocks[0].grid.limit / 16);
  work_.Begin({"a", "b", "c", "d"}, spec, TimePoint::max());
  BufferedSession session = Open(1, Config(4));
  for (const ClientId client : {"a", "b", "c", "d"}) {
    Answer(session, client, Update({most, -most}, 16));
  }

  EXPECT_EQ(MeanOf(std::move(session)), (std::vector<float>{most, -most}));
}

}  // namespace
}  // namespace rondo::coordinator
