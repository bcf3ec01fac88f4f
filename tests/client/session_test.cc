#include "client/session.h"

#include <cmath>

#include "common/core/file.h"
#include "tests/client/session_fixture.h"

namespace rondo::client::testing {
namespace {

using Kind = SessionEnd::Kind;

class SessionTest : public SessionFixture {};

TEST_F(SessionTest, TrainsUploadsAndKeepsTheFinalModel) {
  const Bytes first = ModelFile(1);
  const Bytes last = ModelFile(2);
  const Offer offer = TrainOffer(1, first);
  const RoundResult result{.round = 1, .included = true, .model_sha256 = Sha256Hex(last)};
  wire::Contribution contribution;

  const SessionEnd end = Serve([&](Channel& channel) -> Task<void> {
    co_await Open(channel, first);
    contribution = co_await Work(channel, offer);
    co_await Announce(channel, result);
    co_await SendModel(channel, last);
    const wire::Message goodbye = co_await Finish(channel, last);
    EXPECT_TRUE(std::holds_alternative<wire::Goodbye>(goodbye)) << wire::MessageName(goodbye);
    EXPECT_TRUE(std::get<wire::Goodbye>(goodbye).model_stored);
  });

  EXPECT_EQ(end.kind, Kind::kFinished) << end.error.message;
  EXPECT_EQ(std::get<wire::Hello>(hello_).catalogue_sha256, catalogue_->sha256());
  EXPECT_EQ(contribution.round, 1u);
  EXPECT_EQ(contribution.weight, 7u);
  EXPECT_EQ(contribution.loss, 1.25);
  ASSERT_EQ(contribution.blocks.size(), 1u);
  EXPECT_EQ(contribution.blocks[0].name, kDeltaBlock);
  EXPECT_EQ(contribution.blocks[0].layout_digest, layout_->digest());
  EXPECT_EQ(contribution.blocks[0].reals, std::vector<float>(layout_->size(), 0.5F));
  EXPECT_EQ(state_.record().rounds_included, 1u);
  EXPECT_TRUE(state_.record().finished);
  EXPECT_EQ(ReadFile(state_.model_path(), 1 << 20).value(), last);
  EXPECT_EQ(ReadTextFile(state_.catalogue_path()).value(), catalogue_->text());
}

TEST_F(SessionTest, TrainsOnTrainingRowsOfUsersWithAtLeastTwo) {
  const Bytes model = ModelFile(1);

  ContributionTo(TrainOffer(1, model), model);

  const std::vector<std::vector<ItemRow>> training_rows = {{1, 2, 3}, {2, 3}};
  EXPECT_EQ(trainer_.sequences, training_rows);
  EXPECT_EQ(trainer_.model, InitialParameters(layout_, 1).values);
}

TEST_F(SessionTest, ReadsTheLogAgainBetweenRounds) {
  const Bytes model = ModelFile(1);
  const Offer first = TrainOffer(1, model);
  const Offer second = TrainOffer(2, model);

  Serve([&](Channel& channel) -> Task<void> {
    co_await Open(channel, model);
    co_await Work(channel, first);
    LoadedData grown = SmallLog(catalogue_);
    grown.dataset.users.push_back(MakeUser("dan", {6, 5, 4}, 3));
    source_.Replace(std::move(grown));
    co_await Work(channel, second);
    channel.Close();
  });

  ASSERT_EQ(trainer_.sequences.size(), 3u);
  EXPECT_EQ(trainer_.sequences[2], (std::vector<ItemRow>{6, 5, 4}));
}

TEST_F(SessionTest, AnotherCatalogueIsRefusedWithBothDigests) {
  const auto change = [](wire::Welcome& welcome) {
    welcome.catalogue_sha256 = std::string(64, 'a');
  };

  const SessionEnd end =
      Serve([&](Channel& channel) -> Task<void> { co_await GreetWith(channel, change); });

  EXPECT_EQ(end.kind, Kind::kRefused);
  EXPECT_EQ(end.error.code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(end.error.message.find("aaaaaaaaaaaa"), std::string::npos) << end.error.message;
  EXPECT_NE(end.error.message.find(catalogue_->sha256().substr(0, 12)), std::string::npos);
  EXPECT_EQ(source_.reads, 0) << "the log was read for a foreign federation";
}

TEST_F(SessionTest, AnotherLayoutIsRefused) {
  const auto change = [](wire::Welcome& welcome) {
    welcome.layout_digest = std::string(64, 'b');
  };

  const SessionEnd end =
      Serve([&](Channel& channel) -> Task<void> { co_await GreetWith(channel, change); });

  EXPECT_EQ(end.kind, Kind::kRefused);
  EXPECT_NE(end.error.message.find("layout digest"), std::string::npos) << end.error.message;
}

TEST_F(SessionTest, AnUnknownTrustModeIsRefused) {
  const auto change = [](wire::Welcome& welcome) {
    welcome.trust_mode = "whispered";
  };

  const SessionEnd end =
      Serve([&](Channel& channel) -> Task<void> { co_await GreetWith(channel, change); });

  EXPECT_EQ(end.kind, Kind::kRefused);
  EXPECT_EQ(end.error.code, ErrorCode::kUnsupported);
}

TEST_F(SessionTest, AWeakerTrustModeThanTheOwnerAsksForIsRefused) {
  limits_.trust = "masked";

  const SessionEnd end =
      Serve([&](Channel& channel) -> Task<void> { co_await GreetWith(channel, Unchanged); });

  EXPECT_EQ(end.kind, Kind::kRefused);
  EXPECT_EQ(end.error.code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(end.error.message.find("limits.trust asks for 'masked'"), std::string::npos)
      << end.error.message;
}

TEST_F(SessionTest, ARejectionEndsWithTheReasonOfTheCoordinator) {
  const SessionEnd end = Serve([&](Channel& channel) -> Task<void> {
    co_await Next(channel);
    wire::Message reject =
        wire::Reject{.code = ErrorCode::kUnauthenticated, .message = "this client is revoked"};
    co_await Say(channel, std::move(reject));
  });

  EXPECT_EQ(end.kind, Kind::kRefused);
  EXPECT_EQ(end.error.code, ErrorCode::kUnauthenticated);
  EXPECT_NE(end.error.message.find("this client is revoked"), std::string::npos);
}

TEST_F(SessionTest, DeclinesTasksBeyondItsLimits) {
  limits_.max_steps = 5;
  const Bytes model = ModelFile(1);
  Offer offer = TrainOffer(1, model);
  offer.train.client.steps = 6;

  const wire::Message answer = AnswerTo(offer, model);

  ASSERT_TRUE(std::holds_alternative<wire::Decline>(answer)) << wire::MessageName(answer);
  EXPECT_EQ(std::get<wire::Decline>(answer).reason,
            "the task takes more local steps than this client allows");
  EXPECT_EQ(trainer_.calls, 0);
  EXPECT_EQ(state_.record().tasks_declined, 1u);
  EXPECT_EQ(state_.record().rounds_trained, 0u);
}

TEST_F(SessionTest, TooFewUsersAreNeitherTrainedNorEvaluatedAndNotCountedForTheCoordinator) {
  limits_.min_users = 4;
  const Bytes model = ModelFile(1);

  for (const Offer& offer : {TrainOffer(1, model), EvaluateOffer(2, model)}) {
    const wire::Message answer = AnswerTo(offer, model);

    ASSERT_TRUE(std::holds_alternative<wire::Decline>(answer)) << wire::MessageName(answer);
    EXPECT_EQ(std::get<wire::Decline>(answer).reason,
              "this client holds fewer users than its owner asks for");
  }
  EXPECT_EQ(trainer_.calls, 0);
}

TEST_F(SessionTest, ACatalogueThatChangedUnderARunningClientIsNotTrainedOn) {
  const Bytes model = ModelFile(1);
  source_.Replace(SmallLog(SmallCatalogue(7)));

  for (const Offer& offer : {TrainOffer(1, model), EvaluateOffer(2, model)}) {
    const wire::Message answer = AnswerTo(offer, model);

    ASSERT_TRUE(std::holds_alternative<wire::Decline>(answer)) << wire::MessageName(answer);
    EXPECT_EQ(std::get<wire::Decline>(answer).reason,
              "the client's catalogue changed, its owner must start it again");
  }
  EXPECT_EQ(trainer_.calls, 0);
}

struct BadUpdate {
  const char* name;
  std::optional<Error> error;
  float step;
};

class BadUpdateTest : public SessionFixture, public ::testing::WithParamInterface<BadUpdate> {};

TEST_P(BadUpdateTest, IsDeclinedAndNeverUploaded) {
  trainer_.error = GetParam().error;
  trainer_.step = GetParam().step;
  const Bytes model = ModelFile(1);

  const wire::Message answer = AnswerTo(TrainOffer(4, model), model);

  ASSERT_TRUE(std::holds_alternative<wire::Decline>(answer)) << wire::MessageName(answer);
  EXPECT_EQ(std::get<wire::Decline>(answer).round, 4u);
  EXPECT_EQ(std::get<wire::Decline>(answer).reason, "local training diverged");
  EXPECT_EQ(state_.record().rounds_trained, 0u);
}

INSTANTIATE_TEST_SUITE_P(All,
                         BadUpdateTest,
                         ::testing::Values(BadUpdate{"Reported",
                                                     Error{ErrorCode::kDiverged,
                                                           "loss is NaN in step 3"},
                                                     0.5F},
                                           BadUpdate{"NanDelta", std::nullopt, std::nanf("")},
                                           BadUpdate{"InfiniteDelta", std::nullopt, INFINITY}),
                         [](const auto& test) { return test.param.name; });

TEST_F(SessionTest, AnErrorOfTheLogIsToldWithoutQuotingIt) {
  source_.error = Error{ErrorCode::kCorrupt, "log.inter:7: patient 4711 has no item"};
  const Bytes model = ModelFile(1);

  const wire::Message answer = AnswerTo(TrainOffer(1, model), model);

  ASSERT_TRUE(std::holds_alternative<wire::Decline>(answer));
  EXPECT_EQ(std::get<wire::Decline>(answer).reason, "the local log cannot be read");
}

TEST_F(SessionTest, AnOfferWithoutItsModelIsDeclined) {
  const wire::Message answer = AnswerTo(TrainOffer(1, ModelFile(9)), ModelFile(1));

  ASSERT_TRUE(std::holds_alternative<wire::Decline>(answer)) << wire::MessageName(answer);
  EXPECT_EQ(trainer_.calls, 0);
}

TEST_F(SessionTest, EvaluatesWithSumsOnly) {
  const Bytes model = ModelFile(1);

  const wire::Contribution contribution = ContributionTo(EvaluateOffer(2, model), model).second;

  EXPECT_EQ(contribution.kind, OfferKind::kEvaluate);
  EXPECT_TRUE(std::isnan(contribution.loss));
  ASSERT_EQ(contribution.blocks.size(), 1u);
  EXPECT_EQ(contribution.blocks[0].name, kMetricsBlock);
  EXPECT_FALSE(contribution.blocks[0].integers.empty());
  EXPECT_EQ(source_.Current().value()->test.openings(), 0) << "validation opened the test split";
  EXPECT_EQ(state_.record().rounds_trained, 0u);
}

TEST_F(SessionTest, AVoidRoundAndOneWithoutThisClientDiscardWhatIsPending) {
  const Bytes model = ModelFile(1);

  Serve([&](Channel& channel) -> Task<void> {
    co_await Open(channel, model);
    for (const RoundId round : {1u, 2u}) {
      Offer offer = TrainOffer(round, model);
      co_await Work(channel, std::move(offer));
      RoundResult result{.round = round, .is_void = round == 1, .model_sha256 = Sha256Hex(model)};
      co_await Announce(channel, std::move(result));
    }
    co_await Finish(channel, model);
  });

  EXPECT_EQ(state_.record().rounds_trained, 2u);
  EXPECT_EQ(state_.record().rounds_discarded, 2u);
  EXPECT_EQ(state_.record().rounds_included, 0u);
  EXPECT_EQ(ReadFile(state_.model_path(), 1 << 20).value(), model);
}

TEST_F(SessionTest, AResultThatComesAfterABrokenConnectionAndARestartCounts) {
  const Bytes model = ModelFile(1);

  const SessionEnd end = ContributionTo(TrainOffer(1, model), model).first;

  EXPECT_EQ(end.kind, Kind::kLost);
  EXPECT_TRUE(end.greeted);
  EXPECT_EQ(state_.record().pending, std::optional<RoundId>(1));

  state_ = ClientState::Open(folder_ / "state").value();  // Another process.
  Serve([&](Channel& channel) -> Task<void> {
    co_await Greet(channel);
    RoundResult result{.round = 1, .included = true, .model_sha256 = Sha256Hex(model)};
    co_await Announce(channel, std::move(result));
    co_await SendModel(channel, model);
    co_await Finish(channel, model);
  });

  EXPECT_EQ(state_.record().pending, std::nullopt);
  EXPECT_EQ(state_.record().rounds_included, 1u);
  EXPECT_EQ(state_.record().rounds_discarded, 0u);
}

TEST_F(SessionTest, ATaskAfterALostResultDiscardsWhatIsPending) {
  const Bytes model = ModelFile(1);
  ContributionTo(TrainOffer(1, model), model);

  // The coordinator lost round 1 and plays it again.
  ContributionTo(TrainOffer(1, model), model);

  EXPECT_EQ(state_.record().rounds_trained, 2u);
  EXPECT_EQ(state_.record().rounds_discarded, 1u);
  EXPECT_EQ(state_.record().pending, std::optional<RoundId>(1));
}

TEST_F(SessionTest, TheResultOfARoundStopsWorkOnItAndNothingIsUploaded) {
  trainer_.wait_for_stop = true;
  const Bytes model = ModelFile(1);
  const Offer offer = TrainOffer(1, model);
  const RoundResult result{.round = 1, .model_sha256 = Sha256Hex(model)};
  wire::Message answer;

  Serve([&](Channel& channel) -> Task<void> {
    co_await Open(channel, model);
    co_await Ask(channel, offer);
    co_await Announce(channel, result);
    answer = co_await Finish(channel, model);
  });

  ASSERT_TRUE(std::holds_alternative<wire::Goodbye>(answer)) << wire::MessageName(answer);
  EXPECT_NE(std::get<wire::Goodbye>(answer).reason, "closed");
  EXPECT_EQ(state_.record().rounds_trained, 0u);
  EXPECT_TRUE(state_.record().finished);
}

}  // namespace
}  // namespace rondo::client::testing
