#include "coordinator/clear_session.h"

#include <cmath>

#include <gtest/gtest.h>

#include "common/core/rng.h"
#include "common/metrics/metrics_block.h"

namespace rondo::coordinator {
namespace {

const std::shared_ptr<const ParameterLayout>& Layout() {
  static const auto kLayout = ParameterLayout::Create({{.name = "x", .shape = {3}}}).value();
  return kLayout;
}

UpdateSum Update(std::vector<float> values, std::uint64_t weight) {
  UpdateSum sum{.weight = weight, .contributors = 1};
  sum.blocks.push_back(
      MakeBlock(std::string(kDeltaBlock), Layout(), GridSpec{}, Scaling::kByWeight));
  EXPECT_TRUE(FoldDense(sum.blocks[0], values, weight, nullptr).has_value());
  return sum;
}

ContributionSpec Spec(Visibility visibility = Visibility::kSumOnly) {
  ContributionSpec spec{.round = 4, .max_weight = 10, .visibility = visibility};
  spec.blocks.push_back({std::string(kDeltaBlock), Layout(), GridSpec{}, Scaling::kByWeight});
  return spec;
}

/// The payload is one byte, the client's number.
Result<Decoded> Decode(const ClientId&, ByteView payload, const ContributionSpec&) {
  const auto number = static_cast<float>(payload[0]);
  return Decoded{.round = 4,
                 .update = Update({number, 0.1F * number, -number}, payload[0]),
                 .loss = static_cast<double>(number)};
}

TEST(ClearSession, OrderOfArrivalChangesNoBit) {
  std::vector<std::uint8_t> order = {1, 2, 3, 4, 5, 6, 7};
  std::vector<std::int64_t> expected;
  double expected_loss = 0.0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Rng(StreamName{.seed = seed}).Shuffle(std::span(order));
    ClearSession session(
        {.spec = Spec(), .invited = {"1", "2", "3", "4", "5", "6", "7"}, .decode = Decode});
    for (const std::uint8_t number : order) {
      const Bytes payload = {number};
      ASSERT_TRUE(session.Receive(std::to_string(number), payload, {}).has_value());
    }
    EXPECT_TRUE(session.complete());
    EXPECT_EQ(session.contributors(), (std::vector<ClientId>{"1", "2", "3", "4", "5", "6", "7"}));
    const double loss = session.mean_loss();
    const auto sums = std::move(session).Take().value();
    ASSERT_EQ(sums.size(), 1U);
    EXPECT_EQ(sums[0].contributors, 7U);
    EXPECT_EQ(sums[0].weight, 28U);
    if (expected.empty()) {
      expected = sums[0].blocks[0].values;
      expected_loss = loss;
    }
    EXPECT_EQ(sums[0].blocks[0].values, expected);
    EXPECT_EQ(loss, expected_loss);
  }
}

TEST(ClearSession, GivesSingleUpdatesWhereAskedFor) {
  ClearSession session(
      {.spec = Spec(Visibility::kIndividual), .invited = {"1", "2", "3"}, .decode = Decode});
  UpdateSum pair = Update({1, 1, 1}, 1);
  ASSERT_TRUE(pair.Add(Update({2, 2, 2}, 2)).has_value());

  ASSERT_TRUE(session.Receive("1", Bytes{1}, {}).has_value());
  ASSERT_TRUE(session.AddPack({"2", "3"}, pair, 0.5).has_value());

  EXPECT_EQ(session.dropped().size(), 2U);
  EXPECT_EQ(session.dropped()[0].second.code, ErrorCode::kUnsupported);
  EXPECT_EQ(std::move(session).Take().value().size(), 1U);
}

TEST(ClearSession, SingleUpdatesStandInTheOrderOfTheirClients) {
  ClearSession session(
      {.spec = Spec(Visibility::kIndividual), .invited = {"1", "2", "3"}, .decode = Decode});

  for (const char* client : {"2", "3", "1"}) {
    const auto number = static_cast<float>(client[0] - '0');
    ASSERT_TRUE(session.AddPack({client}, Update({number, 0, 0}, 1), 0.5).has_value());
  }

  const auto sums = std::move(session).Take().value();
  ASSERT_EQ(sums.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(GridToReal(sums[i].blocks[0])[0], static_cast<double>(i + 1));
  }
}

TEST(ClearSession, PacksAndMessagesAddUp) {
  ClearSession session({.spec = Spec(), .invited = {"1", "2", "3"}, .decode = Decode});
  UpdateSum pair = Update({1, 1, 1}, 1);
  ASSERT_TRUE(pair.Add(Update({2, 2, 2}, 2)).has_value());

  ASSERT_TRUE(session.AddPack({"2", "3"}, pair, 0.5).has_value());
  ASSERT_TRUE(session.Receive("1", Bytes{5}, {}).has_value());

  EXPECT_TRUE(session.complete());
  EXPECT_DOUBLE_EQ(session.mean_loss(), 2.0);
  const auto sums = std::move(session).Take().value();
  EXPECT_EQ(sums[0].contributors, 3U);
  EXPECT_EQ(GridToReal(sums[0].blocks[0])[0], 1.0 + 2.0 * 2.0 + 5.0 * 5.0);
}

TEST(ClearSession, RefusesPacksOfStrangersAndRepetitions) {
  ClearSession session({.spec = Spec(), .invited = {"1", "2"}, .decode = {}});
  UpdateSum pair = Update({1, 1, 1}, 1);
  ASSERT_TRUE(pair.Add(Update({2, 2, 2}, 2)).has_value());

  ASSERT_TRUE(session.AddPack({"1", "1"}, pair, 0.5).has_value());
  ASSERT_TRUE(session.AddPack({"1", "9"}, pair, 0.5).has_value());
  ASSERT_TRUE(session.AddPack({}, pair, 0.5).has_value());
  ASSERT_TRUE(session.AddPack({"1", "2"}, pair, 0.5).has_value());
  ASSERT_TRUE(session.AddPack({"1", "2"}, pair, 0.5).has_value());

  EXPECT_EQ(session.contributors().size(), 2U);
  EXPECT_EQ(std::move(session).Take().value()[0].contributors, 2U);
}

TEST(ClearSession, IsOverAfterTake) {
  ClearSession session({.spec = Spec(), .invited = {"1"}, .decode = Decode});
  EXPECT_TRUE(std::isnan(session.mean_loss()));
  EXPECT_TRUE(std::move(session).Take().value().empty());

  EXPECT_EQ(session.Receive("1", Bytes{1}, {}).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(session.AddPack({"1"}, {}, 0.0).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(std::move(session).Take().error().code, ErrorCode::kFailedPrecondition);
}

TEST(ClearSession, DroppingAContributorChangesNothing) {
  ClearSession session({.spec = Spec(), .invited = {"1", "2"}, .decode = Decode});
  ASSERT_TRUE(session.Receive("1", Bytes{1}, {}).has_value());

  session.Drop("1", Error{ErrorCode::kUnavailable, "gone"});
  session.Drop("2", Error{ErrorCode::kUnavailable, "gone"});
  session.Drop("2", Error{ErrorCode::kUnavailable, "gone"});
  ASSERT_TRUE(session.Receive("2", Bytes{2}, {}).has_value());

  EXPECT_TRUE(session.complete());
  EXPECT_EQ(session.dropped().size(), 1U);
  EXPECT_EQ(session.contributors(), std::vector<ClientId>{"1"});
}

struct Claim {
  const char* name;
  double users;
  double nans;
  double metric;
  bool fits;
};

TEST(ClearSession, MetricsBeyondWhatTheUsersCanGiveDropTheirSender) {
  EvaluateTask task{.round = 1, .protocols = {"full"}, .k = {10}};
  task.grid = MakeGrid(PrivacyConfig{}, 1, 2).value();
  const auto layout = MetricsLayout(task).value();
  ContributionSpec spec{.kind = OfferKind::kEvaluate, .round = 1};
  spec.blocks.push_back({std::string(kMetricsBlock), layout, task.grid, Scaling::kPerClient});
  const Claim claims[] = {{"honest", 30, 0, 30, true},
                          {"nobody", 0, 0, 0, true},
                          {"many NaN scores", 30, 900, 0, true},
                          {"too good", 30, 0, 31, false},
                          {"worse than worst", 30, 0, -1, false},
                          {"fewer than no users", -30, 0, 0, false},
                          {"negative NaNs", 30, -1, 1, false}};
  for (const Claim& claim : claims) {
    UpdateSum sum{.contributors = 1};
    sum.blocks.push_back(
        MakeBlock(std::string(kMetricsBlock), layout, task.grid, Scaling::kPerClient));
    std::vector<float> values(layout->size(), static_cast<float>(claim.metric));
    values[layout->Find("users")->offset] = static_cast<float>(claim.users);
    values[layout->Find("nans")->offset] = static_cast<float>(claim.nans);
    ASSERT_TRUE(FoldDense(sum.blocks[0], values, 1, nullptr).has_value());
    ClearSession session({.spec = spec, .invited = {"1"}, .decode = {}});

    ASSERT_TRUE(session.AddPack({"1"}, std::move(sum), std::nan("")).has_value());

    EXPECT_EQ(session.contributors().size(), claim.fits ? 1U : 0U) << claim.name;
    if (!claim.fits) {
      ASSERT_EQ(session.dropped().size(), 1U) << claim.name;
      EXPECT_EQ(session.dropped()[0].second.code, ErrorCode::kCorrupt) << claim.name;
    }
  }
}

}  // namespace
}  // namespace rondo::coordinator
