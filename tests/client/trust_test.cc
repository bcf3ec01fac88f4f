#include "client/trust.h"

#include "common/core/file.h"
#include "common/crypto/roster.h"
#include "common/wire/sealed.h"
#include "tests/client/session_fixture.h"

namespace rondo::client::testing {
namespace {

/// Sessions in mode "sealed".
class TrustTest : public SessionFixture {
 protected:
  TrustTest() { papers_ = rondo::testing::PapersUnder(governance_, "hospital", folder_ / "state"); }

  /// A roster of this client alone that names the key to seal to.
  wire::MemberRoster RosterNaming(std::optional<X25519Public> key,
                                  std::uint64_t version = 1) const {
    Roster roster{.federation = rondo::testing::kSomeFederation,
                  .version = version,
                  .aggregation = key,
                  .entries = {{.id = "hospital", .key = papers_.key().public_key()}}};
    return {.text = SignRoster(std::move(roster), governance_)->Text()};
  }

  /// What answers the offer once the roster came: whole uploads as bytes, else nothing.
  Bytes Upload(const wire::MemberRoster& roster, const Offer& offer, const Bytes& model) {
    Bytes upload;
    Serve([&](Channel& channel) -> Task<void> {
      co_await OpenSealed(channel, roster, model);
      co_await Ask(channel, offer);
      wire::ChunkAssembler assembler(1 << 20);
      for (bool whole = false; !whole;) {
        answer_ = co_await Next(channel);
        const auto* chunk = std::get_if<wire::ContributionChunk>(&answer_);
        if (chunk == nullptr) {
          break;
        }
        whole = assembler.Add(chunk->total, chunk->offset, AsBytes(chunk->bytes)).value();
      }
      upload = assembler.Take();
      channel.Close();
    });
    return upload;
  }

  Task<void> OpenSealed(Channel& channel, wire::MemberRoster roster, Bytes model) {
    const auto sealed = [](wire::Welcome& welcome) {
      welcome.trust_mode = "sealed";
    };
    co_await GreetWith(channel, sealed);
    wire::Message message = std::move(roster);
    co_await Say(channel, std::move(message));
    co_await SendModel(channel, std::move(model));
  }

  Result<wire::Contribution> Opened(ByteView upload, OfferKind kind) const {
    const wire::SealedFor bound{.run_id = run_id_, .round = 1, .kind = kind, .client = "hospital"};
    RONDO_TRY(const SecretBytes encoded, wire::OpenContribution(key_, bound, upload));
    return wire::DecodeContribution(encoded.view(), 1 << 20);
  }

  SigningKey governance_ = SigningKey::Generate();
  X25519Key key_ = X25519Key::Generate();
  wire::Message answer_;
};

TEST_F(TrustTest, UpdatesAndMetricsLeaveSealedToTheKeyOfTheRoster) {
  const Bytes model = ModelFile(1);
  for (const Offer& offer : {TrainOffer(1, model), EvaluateOffer(1, model)}) {
    const Bytes upload = Upload(RosterNaming(key_.public_key()), offer, model);
    const auto opened = Opened(upload, offer.kind);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->kind, offer.kind);
    EXPECT_FALSE(opened->blocks.empty());
    EXPECT_FALSE(wire::DecodeContribution(upload, 1 << 20)) << "it left in the clear";
  }
}

TEST_F(TrustTest, WhatIsSealedIsWhatWouldHaveLeftInTheClear) {
  const Bytes model = ModelFile(1);
  const Bytes upload = Upload(RosterNaming(key_.public_key()), TrainOffer(1, model), model);
  const auto sealed = Opened(upload, OfferKind::kTrain);
  ASSERT_TRUE(sealed) << sealed.error().message;
  ASSERT_TRUE(papers_.TakeRoster(RosterNaming(std::nullopt, 2).text));

  const auto [end, clear] = ContributionTo(TrainOffer(1, model), model);

  ASSERT_EQ(sealed->blocks.size(), clear.blocks.size());
  EXPECT_EQ(sealed->blocks[0].reals, clear.blocks[0].reals);
  EXPECT_EQ(sealed->weight, clear.weight);
}

TEST_F(TrustTest, TheReceiptNamesTheBytesThatLeft) {
  const Bytes model = ModelFile(1);
  const Bytes upload = Upload(RosterNaming(key_.public_key()), TrainOffer(1, model), model);
  const auto receipts = ReadTextFile(folder_ / "state" / "receipts.jsonl");
  ASSERT_TRUE(receipts) << receipts.error().message;
  EXPECT_NE(receipts->find(Sha256Hex(upload)), std::string::npos);
}

TEST_F(TrustTest, WithoutAKeyToSealToNothingIsTrainedAndNothingLeaves) {
  const Bytes model = ModelFile(1);
  for (const Offer& offer : {TrainOffer(1, model), EvaluateOffer(1, model)}) {
    EXPECT_TRUE(Upload(RosterNaming(std::nullopt), offer, model).empty());
    ASSERT_TRUE(std::holds_alternative<wire::Decline>(answer_)) << wire::MessageName(answer_);
    EXPECT_NE(std::get<wire::Decline>(answer_).reason.find("aggregation key"), std::string::npos);
  }
  EXPECT_EQ(trainer_.calls, 0);
}

TEST_F(TrustTest, AnotherKeyWithoutTheSignatureOfGovernanceEndsTheSession) {
  ASSERT_TRUE(papers_.TakeRoster(RosterNaming(key_.public_key()).text));
  const X25519Key other = X25519Key::Generate();
  const Bytes model = ModelFile(1);
  for (const wire::MemberRoster& roster :
       {RosterNaming(other.public_key()),  // Two rosters of one version.
        wire::MemberRoster{
            SignRoster(ParseSignedRoster(RosterNaming(other.public_key(), 2).text)->roster,
                       SigningKey::Generate())
                ->Text()}}) {
    const SessionEnd end = Serve([&](Channel& channel) -> Task<void> {
      co_await OpenSealed(channel, roster, model);
      answer_ = co_await Next(channel);
    });
    EXPECT_EQ(end.kind, SessionEnd::Kind::kRefused);
    EXPECT_EQ(end.error.code, ErrorCode::kUnauthenticated) << end.error.message;
  }
  EXPECT_EQ(papers_.roster()->roster.aggregation, key_.public_key());
}

TEST_F(TrustTest, WhoEndsTlsCannotAskForTheClearInstead) {
  ASSERT_TRUE(papers_.TakeRoster(RosterNaming(key_.public_key()).text));
  const SessionEnd end = Serve([&](Channel& channel) -> Task<void> { co_await Greet(channel); });
  EXPECT_EQ(end.kind, SessionEnd::Kind::kRefused);
  EXPECT_EQ(end.error.code, ErrorCode::kUnauthenticated);
  EXPECT_NE(end.error.message.find("in the clear"), std::string::npos) << end.error.message;

  ASSERT_TRUE(papers_.TakeRoster(RosterNaming(std::nullopt, 2).text));
  const Bytes model = ModelFile(1);
  EXPECT_FALSE(ContributionTo(TrainOffer(1, model), model).second.blocks.empty())
      << "governance says so";
}

TEST_F(TrustTest, ANewerSignedRosterMayNameAnotherKey) {
  ASSERT_TRUE(papers_.TakeRoster(RosterNaming(X25519Key::Generate().public_key()).text));
  const Bytes model = ModelFile(1);
  const Bytes upload = Upload(RosterNaming(key_.public_key(), 2), TrainOffer(1, model), model);
  EXPECT_TRUE(Opened(upload, OfferKind::kTrain));
}

}  // namespace
}  // namespace rondo::client::testing
