#include "coordinator/remote_clients.h"

#include <gmock/gmock.h>

#include "tests/coordinator/remote_clients_fixture.h"

namespace rondo::coordinator {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Start;

TEST_F(RemoteClientsTest, AClientThatSaysHelloIsWelcomedAndAvailable) {
  FakeClient client = Connect("b");
  EXPECT_THAT(clients_.Available(), ElementsAre());
  client.Hello();

  const auto welcome = client.Expect<wire::Welcome>();

  EXPECT_EQ(welcome.items, 3);
  EXPECT_EQ(welcome.trust_mode, "channel");
  const FakeClient other = Join("a");
  EXPECT_TRUE(RunTask(io_, clients_.WaitFor(2, Soon())));
  EXPECT_THAT(clients_.Available(), ElementsAre("a", "b"));
}

TEST_F(RemoteClientsTest, AVisitorIsWelcomedAndCountsNowhere) {
  FakeClient client = Join("a");
  clients_.Dispatch({"a"}, Train(1), BroadcastOf(0.5F));
  client.ExpectModel();
  client.Expect<Offer>();

  for (const ClientId id : {"a", "b"}) {
    FakeClient visitor = Connect(id);
    visitor.Send(wire::Hello{.catalogue_sha256 = kCatalogue, .only_looks = true});
    EXPECT_EQ(visitor.Expect<wire::Welcome>().name, "test");
    EXPECT_THAT(clients_.Available(), ElementsAre("a"));
    visitor.Send(wire::Goodbye{.reason = "only looked"});
    EXPECT_FALSE(visitor.Receive().has_value());
  }

  EXPECT_EQ(clients_.population(), 1U);
  EXPECT_EQ(clients_.sessions_refused(), 0U);
  client.Upload(1, OfferKind::kTrain, payload_);
  EXPECT_EQ(NextEvent<MessageEvent>().client, "a") << "its session went on";
}

TEST_F(RemoteClientsTest, AVisitorOfAnotherCatalogueIsRefused) {
  FakeClient visitor = Connect("a");
  visitor.Send(wire::Hello{.catalogue_sha256 = kLayout, .only_looks = true});
  EXPECT_EQ(visitor.Expect<wire::Reject>().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(clients_.sessions_refused(), 1U);
}

TEST_F(RemoteClientsTest, AnotherCatalogueIsRefusedWithTheReason) {
  FakeClient client = Connect("a");
  client.Hello(std::string(64, 'e'));

  const auto reject = client.Expect<wire::Reject>();

  EXPECT_EQ(reject.code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(reject.message, HasSubstr("catalogue differs"));
  EXPECT_FALSE(client.Receive().has_value());
  EXPECT_EQ(clients_.sessions_refused(), 1U);
}

TEST_F(RemoteClientsTest, AnotherProtocolVersionIsRefused) {
  FakeClient client = Connect("a");
  client.Send(wire::Hello{.protocol_version = 99, .catalogue_sha256 = kCatalogue});
  EXPECT_EQ(client.Expect<wire::Reject>().code, ErrorCode::kUnsupported);
}

TEST_F(RemoteClientsTest, ARoundBringsModelOfferContributionAndResult) {
  FakeClient client = Join("a");
  const Broadcast model = BroadcastOf(0.5F);

  clients_.Dispatch({"a"}, Train(1), model);

  EXPECT_EQ(client.ExpectModel(), model.sha256);
  const auto offer = client.Expect<Offer>();
  EXPECT_EQ(offer.round, 1U);
  EXPECT_EQ(offer.model_sha256, model.sha256);
  client.Upload(1, OfferKind::kTrain, payload_);
  const auto message = NextEvent<MessageEvent>();
  EXPECT_EQ(message.client, "a");
  EXPECT_EQ(message.round, 1U);
  EXPECT_EQ(message.payload, payload_);
  clients_.Announce({"a"}, {.round = 1, .model_sha256 = std::string(64, 'f')});
  const auto result = client.Expect<RoundResult>();
  EXPECT_TRUE(result.included);
  EXPECT_EQ(result.model_sha256, std::string(64, 'f'));
  EXPECT_GT(clients_.bytes_up(), payload_.size());
  EXPECT_GT(clients_.bytes_down(), 2'400'000U);
}

TEST_F(RemoteClientsTest, AModelIsSentOnlyToClientsThatLackIt) {
  const Broadcast model = BroadcastOf(0.5F);
  FakeClient client = Connect("a");
  client.Hello(kCatalogue, model.sha256);
  client.Expect<wire::Welcome>();

  clients_.Dispatch({"a"}, Train(1), model);
  EXPECT_EQ(client.Expect<Offer>().round, 1U) << "the client said that it holds the model";
  const Broadcast next = BroadcastOf(0.25F);
  clients_.Dispatch({"a"}, Train(2), next);
  EXPECT_EQ(client.ExpectModel(), next.sha256);
  client.Expect<Offer>();
  clients_.Dispatch({"a"}, Train(3), next);
  EXPECT_EQ(client.Expect<Offer>().round, 3U);
}

TEST_F(RemoteClientsTest, AClientCutInMidUploadCostsOnlyItself) {
  FakeClient good = Join("good");
  // Frame 0 is Hello, 1 to 3 are the upload.
  FakeClient bad = Join("bad", {.cut = 2});
  clients_.Dispatch({"bad", "good"}, Train(1), BroadcastOf(0.5F));
  for (FakeClient* client : {&good, &bad}) {
    client->ExpectModel();
    client->Expect<Offer>();
  }

  bad.Upload(1, OfferKind::kTrain, payload_);
  const auto drop = NextEvent<DropEvent>();
  good.Upload(1, OfferKind::kTrain, payload_);
  const auto message = NextEvent<MessageEvent>();

  EXPECT_EQ(drop.client, "bad");
  EXPECT_EQ(drop.round, 1U);
  EXPECT_EQ(message.client, "good");
  EXPECT_THAT(clients_.Available(), ElementsAre("good"));
  clients_.Announce({"good"}, {.round = 1, .model_sha256 = kLayout});
  EXPECT_TRUE(good.Expect<RoundResult>().included);
}

TEST_F(RemoteClientsTest, ALateResultReachesAClientWhenItComesBack) {
  FakeClient client = Join("a");
  clients_.Dispatch({"a"}, Train(1), BroadcastOf(0.5F));
  client.ExpectModel();
  client.Expect<Offer>();
  client.Upload(1, OfferKind::kTrain, payload_);
  NextEvent<MessageEvent>();
  client.Close();
  clients_.Announce({"a"}, {.round = 1, .model_sha256 = kLayout});

  FakeClient again = Join("a");

  const auto result = again.Expect<RoundResult>();
  EXPECT_EQ(result.round, 1U);
  EXPECT_TRUE(result.included);
}

TEST_F(RemoteClientsTest, AResultFromBeforeARestartReachesAClientThatComesBack) {
  RemoteClients::Options options = MakeOptions();
  options.results["a"] = {.round = 7, .included = true, .model_sha256 = kLayout};
  RemoteClients restarted(io_.get_executor(), options);
  const LoopbackPair pair = MakeLoopback(io_.get_executor(), "a");
  restarted.Attach(pair.server_end);
  FakeClient client(io_, pair.client_end);
  client.Hello();
  client.Expect<wire::Welcome>();

  const auto result = client.Expect<RoundResult>();

  EXPECT_EQ(result.round, 7U);
  EXPECT_TRUE(result.included);
}

TEST_F(RemoteClientsTest, ASlowReaderWaitsForTheNewestModelOnly) {
  FakeClient client = Join("a");
  const Broadcast newest = BroadcastOf(0.25F);
  clients_.Dispatch({"a"}, Train(1), BroadcastOf(0.5F));
  clients_.Announce({}, {.round = 1, .model_sha256 = newest.sha256});
  clients_.Dispatch({"a"}, Train(2), newest);

  // Nothing was read so far. The older model has left the queue, its offer has not.
  EXPECT_EQ(client.Expect<Offer>().round, 1U);
  EXPECT_EQ(client.Expect<RoundResult>().round, 1U);
  EXPECT_EQ(client.ExpectModel(), newest.sha256);
  EXPECT_EQ(client.Expect<Offer>().round, 2U);
}

TEST_F(RemoteClientsTest, TheEndOfAnEvaluationFreesItsClients) {
  FakeClient client = Join("a");
  Offer offer{.kind = OfferKind::kEvaluate, .round = 3};
  clients_.Dispatch({"a"}, offer, BroadcastOf(0.5F));
  client.ExpectModel();
  client.Expect<Offer>();
  ASSERT_EQ(clients_.Statuses().at(0).working_on, 3U);

  clients_.Announce({}, {.round = 3, .model_sha256 = kLayout});

  EXPECT_EQ(clients_.Statuses().at(0).working_on, 0U);
  client.Upload(3, OfferKind::kEvaluate, payload_);
  const auto event = RunTask(io_, clients_.Next(In(milliseconds(10))));
  ASSERT_TRUE(event.has_value());
  EXPECT_TRUE(std::holds_alternative<DeadlineEvent>(event.value()));
}

TEST_F(RemoteClientsTest, AStatusSaysWhyAClientWasLeftOut) {
  const FakeClient client = Join("a");

  clients_.NoteDropped({{"a", Error{ErrorCode::kCorrupt, "the grid is not the offered one"}}});

  EXPECT_EQ(clients_.Statuses().at(0).drops, 1U);
  EXPECT_EQ(clients_.Statuses().at(0).last_error, "the grid is not the offered one");
}

TEST_F(RemoteClientsTest, AClientThatComesBackReplacesItsOldSession) {
  FakeClient old = Join("a");
  clients_.Dispatch({"a"}, Train(1), BroadcastOf(0.5F));
  old.ExpectModel();
  old.Expect<Offer>();

  FakeClient again = Join("a");

  const auto drop = NextEvent<DropEvent>();
  EXPECT_THAT(drop.why.message, HasSubstr("new connection"));
  EXPECT_THAT(clients_.Available(), ElementsAre("a"));
  EXPECT_TRUE(old.Expect<wire::Goodbye>().replaced);
  EXPECT_FALSE(old.Receive().has_value());
  clients_.Dispatch({"a"}, Train(2), BroadcastOf(0.5F));
  EXPECT_FALSE(again.ExpectModel().empty());
}

struct Misbehaviour {
  std::string name;
  std::function<void(FakeClient&)> act;
  std::string why;
};

const Misbehaviour kMisbehaviours[] = {
    {"NoisePerFrame",
     [](FakeClient& client) {
       client.Send(
           wire::Welcome{.catalogue_sha256 = kCatalogue, .items = 1, .layout_digest = kLayout});
     },
     "must not send 'welcome'"},
    {"SecondHello", [](FakeClient& client) { client.Hello(); }, "must not send 'hello'"},
    {"OversizedUpload",
     [](FakeClient& client) {
       client.Send(
           wire::ContributionChunk{.round = 1, .total = 1ULL << 50, .offset = 0, .bytes = "x"});
     },
     "chunks announce"},
    {"GapInUpload",
     [](FakeClient& client) {
       client.Send(wire::ContributionChunk{.round = 1, .total = 10, .offset = 5, .bytes = "x"});
     },
     "does not follow"},
    {"Goodbye",
     [](FakeClient& client) { client.Send(wire::Goodbye{.reason = "maintenance"}); },
     "maintenance"},
};

class MisbehaviourTest : public RemoteClientsTest,
                         public ::testing::WithParamInterface<Misbehaviour> {};

TEST_P(MisbehaviourTest, EndsTheSessionWithTheReason) {
  FakeClient client = Join("a");
  clients_.Dispatch({"a"}, Train(1), BroadcastOf(0.5F));
  client.ExpectModel();
  client.Expect<Offer>();

  GetParam().act(client);

  const auto drop = NextEvent<DropEvent>();
  EXPECT_EQ(drop.client, "a");
  EXPECT_THAT(drop.why.message, HasSubstr(GetParam().why));
  EXPECT_THAT(client.Expect<wire::Goodbye>().reason, HasSubstr(GetParam().why));
  EXPECT_THAT(clients_.Available(), ElementsAre());
}

INSTANTIATE_TEST_SUITE_P(RemoteClients,
                         MisbehaviourTest,
                         ::testing::ValuesIn(kMisbehaviours),
                         [](const auto& row) { return row.param.name; });

TEST_F(RemoteClientsTest, ADeclinedRoundKeepsTheSession) {
  FakeClient client = Join("a");
  clients_.Dispatch({"a"}, Train(1), BroadcastOf(0.5F));
  client.ExpectModel();
  client.Expect<Offer>();

  client.Send(wire::Decline{.round = 1, .reason = "on battery"});

  EXPECT_THAT(NextEvent<DropEvent>().why.message, HasSubstr("on battery"));
  EXPECT_THAT(clients_.Available(), ElementsAre("a"));
}

TEST_F(RemoteClientsTest, AnAnswerToAWithdrawnOfferIsIgnored) {
  FakeClient client = Join("a");
  clients_.Dispatch({"a"}, Train(1), BroadcastOf(0.5F));
  client.ExpectModel();
  client.Expect<Offer>();
  clients_.Announce({}, {.round = 1, .is_void = true, .model_sha256 = kLayout});
  EXPECT_FALSE(client.Expect<RoundResult>().included);

  client.Upload(1, OfferKind::kTrain, payload_);

  const auto event = RunTask(io_, clients_.Next(In(milliseconds(10))));
  ASSERT_TRUE(event.has_value());
  EXPECT_TRUE(std::holds_alternative<DeadlineEvent>(event.value()));
  EXPECT_THAT(clients_.Available(), ElementsAre("a"));
}

TEST_F(RemoteClientsTest, SettlingSomeLeavesOthersAtWorkOnTheirOlderOffer) {
  FakeClient fast = Join("fast");
  FakeClient slow = Join("slow");
  clients_.Dispatch({"fast", "slow"}, Train(1), BroadcastOf(0.5F));
  for (FakeClient* client : {&fast, &slow}) {
    client->ExpectModel();
    client->Expect<Offer>();
  }
  fast.Upload(1, OfferKind::kTrain, payload_);
  EXPECT_EQ(NextEvent<MessageEvent>().client, "fast");

  clients_.Settle({"fast"}, {"fast"}, {.round = 1, .model_sha256 = kLayout});
  clients_.Dispatch({"fast"}, Train(2), BroadcastOf(0.25F));

  EXPECT_TRUE(fast.Expect<RoundResult>().included);
  EXPECT_EQ(fast.ExpectModel(), BroadcastOf(0.25F).sha256);
  EXPECT_EQ(fast.Expect<Offer>().round, 2U);
  // The slow one heard nothing, and its answer to round 1 still counts.
  slow.Upload(1, OfferKind::kTrain, payload_);
  const auto message = NextEvent<MessageEvent>();
  EXPECT_EQ(message.client, "slow");
  EXPECT_EQ(message.round, 1U);
  clients_.Settle({"slow"}, {"slow"}, {.round = 1, .model_sha256 = kLayout});
  EXPECT_EQ(slow.Expect<RoundResult>().round, 1U);
  // Who is still at work is told when the run ends.
  clients_.Announce({}, {.round = 2, .model_sha256 = kLayout});
  EXPECT_FALSE(fast.Expect<RoundResult>().included);
}

TEST_F(RemoteClientsTest, DispatchToAnAbsentClientIsADrop) {
  clients_.Dispatch({"nobody"}, Train(1), BroadcastOf(0.5F));
  EXPECT_EQ(NextEvent<DropEvent>().client, "nobody");
}

TEST_F(RemoteClientsTest, StopWakesWhoWaits) {
  const FakeClient client = Join("a");
  const auto waiting = Start(io_, clients_.Next(Soon()));
  boost::asio::post(io_, [&] { clients_.Stop(); });

  EXPECT_EQ(testing::Wait(io_, waiting).error().code, ErrorCode::kCancelled);
  EXPECT_THAT(clients_.Available(), ElementsAre());
}

}  // namespace
}  // namespace rondo::coordinator
