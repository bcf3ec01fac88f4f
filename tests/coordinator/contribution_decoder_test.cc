#include "coordinator/contribution_decoder.h"

#include <limits>

#include <gtest/gtest.h>

#include "common/wire/messages.h"

namespace rondo::coordinator {
namespace {

const std::shared_ptr<const ParameterLayout>& Layout() {
  static const auto kLayout = ParameterLayout::Create({{.name = "x", .shape = {3}}}).value();
  return kLayout;
}

ContributionSpec Spec() {
  ContributionSpec spec{.round = 4, .max_weight = 10};
  spec.blocks.push_back({std::string(kDeltaBlock), Layout(), GridSpec{}, Scaling::kByWeight});
  return spec;
}

wire::Contribution Good() {
  wire::Contribution contribution{.round = 4, .weight = 3, .loss = 0.5};
  contribution.blocks.push_back({.name = std::string(kDeltaBlock),
                                 .layout_digest = Layout()->digest(),
                                 .reals = {1.0F, -0.5F, 0.25F}});
  return contribution;
}

TEST(ContributionDecoder, FoldsAsAClientInThisProcessWould) {
  GridBlock expected = MakeBlock("delta", Layout(), GridSpec{}, Scaling::kByWeight);
  ASSERT_TRUE(FoldDense(expected, Good().blocks[0].reals, 3, nullptr).has_value());

  const auto decoded = DecodeWireContribution("a", wire::EncodeContribution(Good()), Spec());

  ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
  EXPECT_EQ(decoded.value().update.blocks[0].values, expected.values);
  EXPECT_EQ(decoded.value().update.weight, 3U);
  EXPECT_EQ(decoded.value().update.contributors, 1U);
  EXPECT_EQ(decoded.value().loss, 0.5);
}

TEST(ContributionDecoder, RefusesWhatWasNotOffered) {
  std::vector<std::pair<wire::Contribution, ErrorCode>> cases(8, {Good(), ErrorCode::kCorrupt});
  cases[0].first.weight = 11;
  cases[1].first.blocks[0].name = "gradient";
  cases[2].first.blocks[0].layout_digest = std::string(64, 'a');
  cases[3].first.blocks[0].grid.limit = 3.0;
  cases[4].first.blocks[0].reals.pop_back();
  cases[5].first.blocks.push_back(cases[5].first.blocks[0]);
  cases[5].first.blocks[1].name = "more";
  cases[6].first.blocks[0].reals[1] = std::numeric_limits<float>::quiet_NaN();
  cases[6].second = ErrorCode::kDiverged;
  cases[7].first.saturated = 4;

  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto decoded =
        DecodeWireContribution("a", wire::EncodeContribution(cases[i].first), Spec());
    ASSERT_FALSE(decoded.has_value()) << i;
    EXPECT_EQ(decoded.error().code, cases[i].second) << i << ": " << decoded.error().message;
  }
}

/// The larger half of the coordinates of Layout(), which makes two of three.
ContributionSpec PackedSpec() {
  ContributionSpec spec = Spec();
  spec.blocks[0].packing = CompressionConfig{.stages = {"top_k"}, .top_k = 0.5};
  return spec;
}

wire::Contribution GoodPacked() {
  wire::Contribution contribution = Good();
  contribution.blocks[0].reals.clear();
  // Two of them: 0, and 1 further than the next; 1.0 and 0.25 as float32.
  contribution.blocks[0].packed = {2, 0, 1, 0, 0, 0x80, 0x3F, 0, 0, 0x80, 0x3E};
  return contribution;
}

TEST(ContributionDecoder, WeighsPackedNumbers) {
  const auto decoded =
      DecodeWireContribution("a", wire::EncodeContribution(GoodPacked()), PackedSpec());

  ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
  EXPECT_EQ(decoded.value().update.blocks[0].values,
            (std::vector<std::int64_t>{3LL << 32, 0, 3LL << 30}));
}

TEST(ContributionDecoder, BlocksPerClientCountOnce) {
  ContributionSpec spec = Spec();
  spec.blocks.push_back({"control", Layout(), GridSpec{}, Scaling::kPerClient});
  wire::Contribution contribution = Good();
  contribution.blocks.push_back(contribution.blocks[0]);
  contribution.blocks[1].name = "control";
  contribution.blocks[1].scaling = Scaling::kPerClient;
  ClearSession session({.spec = spec, .invited = {"a"}, .decode = DecodeWireContribution});

  ASSERT_TRUE(session.Receive("a", wire::EncodeContribution(contribution), {}).has_value());

  ASSERT_TRUE(session.dropped().empty()) << session.dropped()[0].second.message;
  const auto sums = std::move(session).Take();
  ASSERT_TRUE(sums.has_value());
  EXPECT_EQ(sums.value()[0].blocks[0].values,
            (std::vector<std::int64_t>{3LL << 32, -(3LL << 31), 3LL << 30}));
  EXPECT_EQ(sums.value()[0].blocks[1].values,
            (std::vector<std::int64_t>{1LL << 32, -(1LL << 31), 1LL << 30}));
}

TEST(ContributionDecoder, RefusesPackedNumbersThatDoNotFitTheOffer) {
  wire::Contribution cut = GoodPacked();
  cut.blocks[0].packed.pop_back();
  wire::Contribution outside = GoodPacked();
  outside.blocks[0].packed[2] = 2;
  wire::Contribution scaled = GoodPacked();
  scaled.blocks[0].scaling = Scaling::kPerClient;

  const struct {
    const char* name;
    wire::Contribution contribution;
    ContributionSpec spec;
    const char* message;
  } cases[] = {
      {"plain for packed", Good(), PackedSpec(), "plain, offered was packed"},
      {"packed for plain", GoodPacked(), Spec(), "packed, offered was plain"},
      {"cut", cut, PackedSpec(), "block \"delta\": packed update: "},
      {"outside the layout", outside, PackedSpec(), "lies outside the layout"},
      {"scaled otherwise", scaled, PackedSpec(), "not the offered one"},
  };

  for (const auto& test : cases) {
    const auto decoded =
        DecodeWireContribution("a", wire::EncodeContribution(test.contribution), test.spec);
    ASSERT_FALSE(decoded.has_value()) << test.name;
    EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt) << test.name;
    EXPECT_NE(decoded.error().message.find(test.message), std::string::npos)
        << test.name << ": " << decoded.error().message;
  }
}

TEST(ContributionDecoder, LateAnswersOnlyShowTheirNumber) {
  wire::Contribution late = Good();
  late.round = 3;

  const auto decoded = DecodeWireContribution("a", wire::EncodeContribution(late), Spec());

  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded.value().round, 3U);
  EXPECT_TRUE(decoded.value().update.blocks.empty());
}

TEST(ContributionDecoder, GarbageDropsOnlyItsSender) {
  ClearSession session({.spec = Spec(), .invited = {"a", "b"}, .decode = DecodeWireContribution});

  ASSERT_TRUE(session.Receive("a", Bytes{0xFF, 0x01, 0x02}, {}).has_value());
  ASSERT_TRUE(session.Receive("b", wire::EncodeContribution(Good()), {}).has_value());

  EXPECT_TRUE(session.complete());
  ASSERT_EQ(session.dropped().size(), 1U);
  EXPECT_EQ(session.dropped()[0].second.code, ErrorCode::kCorrupt);
  EXPECT_EQ(session.contributors(), std::vector<ClientId>{"b"});
}

}  // namespace
}  // namespace rondo::coordinator
