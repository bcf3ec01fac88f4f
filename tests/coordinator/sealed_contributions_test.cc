#include "coordinator/sealed_contributions.h"

#include <gtest/gtest.h>

#include "common/wire/messages.h"
#include "common/wire/sealed.h"
#include "coordinator/contribution_decoder.h"

namespace rondo::coordinator {
namespace {

const std::shared_ptr<const ParameterLayout>& Layout() {
  static const auto kLayout = ParameterLayout::Create({{.name = "x", .shape = {3}}}).value();
  return kLayout;
}

class SealedContributionsTest : public ::testing::Test {
 protected:
  static ContributionSpec Spec() {
    ContributionSpec spec{.round = 4, .max_weight = 10};
    spec.blocks.push_back({std::string(kDeltaBlock), Layout(), GridSpec{}, Scaling::kByWeight});
    return spec;
  }

  static Bytes Encoded() {
    wire::Contribution contribution{.round = 4, .weight = 3, .loss = 0.5};
    contribution.blocks.push_back({.name = std::string(kDeltaBlock),
                                   .layout_digest = Layout()->digest(),
                                   .reals = {1.0F, -0.5F, 0.25F}});
    return wire::EncodeContribution(contribution);
  }

  Bytes SealedBy(const ClientId& client, RoundId round = 4) const {
    return wire::SealContribution(
               key_->public_key(), {.run_id = "run", .round = round, .client = client}, Encoded())
        .value();
  }

  std::shared_ptr<const X25519Key> key_ = std::make_shared<const X25519Key>(X25519Key::Generate());
  ContributionDecoder decode_ = DecodeSealedContributions(key_, "run");
};

TEST_F(SealedContributionsTest, FoldWhatTheyHoldAsIfItHadComeInTheClear) {
  const auto clear = DecodeWireContribution("a", Encoded(), Spec());
  const auto sealed = decode_("a", SealedBy("a"), Spec());
  ASSERT_TRUE(sealed) << sealed.error().message;
  EXPECT_EQ(sealed->update.blocks[0].values, clear->update.blocks[0].values);
  EXPECT_EQ(sealed->update.weight, clear->update.weight);
  EXPECT_EQ(sealed->loss, clear->loss);
}

TEST_F(SealedContributionsTest, NothingElseIsTaken) {
  Bytes flipped = SealedBy("a");
  flipped.back() ^= 1;
  for (const Bytes& payload : {Encoded(), SealedBy("b"), SealedBy("a", 3), flipped, Bytes()}) {
    const auto decoded = decode_("a", payload, Spec());
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, ErrorCode::kUnauthenticated);
  }
  EXPECT_FALSE(DecodeSealedContributions(key_, "another run")("a", SealedBy("a"), Spec()));
}

TEST_F(SealedContributionsTest, OneThatDoesNotOpenCostsItsSenderAlone) {
  ClearSession session({.spec = Spec(), .invited = {"a", "b"}, .decode = decode_});
  const TimePoint now{};
  ASSERT_TRUE(session.Start(now));
  ASSERT_TRUE(session.Receive("a", SealedBy("b"), now)) << "what b sealed, sent by a";
  ASSERT_TRUE(session.Receive("b", SealedBy("b"), now));

  EXPECT_TRUE(session.complete());
  EXPECT_EQ(session.contributors(), std::vector<ClientId>{"b"});
  ASSERT_EQ(session.dropped().size(), 1U);
  EXPECT_EQ(session.dropped()[0].first, "a");
  const auto sums = std::move(session).Take();
  ASSERT_TRUE(sums);
  EXPECT_EQ(sums->front().weight, 3U);
}

}  // namespace
}  // namespace rondo::coordinator
