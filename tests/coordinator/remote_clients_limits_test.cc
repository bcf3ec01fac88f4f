#include <gmock/gmock.h>

#include "tests/coordinator/remote_clients_fixture.h"

namespace rondo::coordinator {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RemoteClientsLimitsTest : public RemoteClientsTest {
 protected:
  /// A client that was offered round 1 and has the model.
  FakeClient Invited(RemoteClients& clients, const ClientId& id) {
    const LoopbackPair pair = MakeLoopback(io_.get_executor(), id);
    clients.Attach(pair.server_end);
    FakeClient client(io_, pair.client_end);
    client.Hello();
    client.Expect<wire::Welcome>();
    clients.Dispatch({id}, Train(1), BroadcastOf(0.5F));
    client.ExpectModel();
    client.Expect<Offer>();
    return client;
  }

  bool NothingHappens(RemoteClients& clients) {
    const auto event = RunTask(io_, clients.Next(In(milliseconds(10))));
    return event && std::holds_alternative<DeadlineEvent>(*event);
  }
};

TEST_F(RemoteClientsLimitsTest, ConnectionsOfAClientBeyondItsShareEndTheOldestThatSaysNothing) {
  FakeClient talking = Join("a");
  FakeClient first = Connect("a");
  FakeClient second = Connect("a");

  EXPECT_FALSE(first.Receive());
  EXPECT_EQ(clients_.connections(), 2U);
  EXPECT_THAT(clients_.Available(), ElementsAre("a"));
  second.Hello();
  second.Expect<wire::Welcome>();
  EXPECT_TRUE(talking.Expect<wire::Goodbye>().replaced);
}

TEST_F(RemoteClientsLimitsTest, OthersKeepTheirConnections) {
  FakeClient other = Connect("b");
  for (int i = 0; i < 5; ++i) {
    Connect("a");
  }
  other.Hello();
  other.Expect<wire::Welcome>();
}

TEST_F(RemoteClientsLimitsTest, BeforeHelloNothingLargeIsRead) {
  FakeClient client = Connect("a");
  client.Send(wire::ModelChunk{
      .sha256 = kLayout, .total = 5000, .offset = 0, .bytes = std::string(5000, 'x')});

  EXPECT_FALSE(client.Receive());
  EXPECT_EQ(clients_.sessions_refused(), 1U);
}

TEST_F(RemoteClientsLimitsTest, AReplayIsIgnoredAndCounted) {
  FakeClient client = Invited(clients_, "a");
  client.Upload(1, OfferKind::kTrain, payload_);
  EXPECT_EQ(NextEvent<MessageEvent>().payload, payload_);

  client.Upload(1, OfferKind::kTrain, payload_);
  client.Send(wire::Decline{.round = 1, .reason = "late"});
  client.Send(wire::Decline{.round = 99, .reason = "of a round that never was"});

  EXPECT_TRUE(NothingHappens(clients_));
  EXPECT_EQ(clients_.Statuses().at(0).ignored, 5U) << "three chunks and two declines";
  EXPECT_THAT(clients_.Available(), ElementsAre("a"));
}

TEST_F(RemoteClientsLimitsTest, MoreThanOneUploadThatNobodyAskedForEndsTheSession) {
  FakeClient client = Join("a");
  for (int i = 0; i < 4; ++i) {
    client.Upload(7, OfferKind::kTrain, payload_);
  }

  EXPECT_THAT(client.Expect<wire::Goodbye>().reason, HasSubstr("no offer asks for"));
  EXPECT_THAT(clients_.Available(), ElementsAre());
  EXPECT_EQ(clients_.Statuses().at(0).ignored, 10U) << "9 MiB, and the chunk after them";
}

TEST_F(RemoteClientsLimitsTest, HeartbeatsWithoutSilenceAreNoWork) {
  FakeClient client = Join("a");
  for (int i = 0; i < 10; ++i) {
    client.Send(wire::Heartbeat{});
  }

  EXPECT_TRUE(NothingHappens(clients_));
  EXPECT_EQ(clients_.Statuses().at(0).ignored, 9U);
  EXPECT_THAT(clients_.Available(), ElementsAre("a"));
}

TEST_F(RemoteClientsLimitsTest, AnUploadWaitsUntilThereIsMemoryForIt) {
  RemoteClients::Options options = MakeOptions();
  options.upload_memory = 5'000'000;
  RemoteClients clients(io_.get_executor(), options);
  FakeClient first = Invited(clients, "a");
  FakeClient second = Invited(clients, "b");
  const auto frames = wire::ContributionFrames(payload_, 1, OfferKind::kTrain);
  const auto send = [&](FakeClient& client, const Bytes& frame) {
    ASSERT_TRUE(RunTask(io_, client.channel().Send(frame, Soon())));
  };

  send(first, frames[0]);
  EXPECT_TRUE(NothingHappens(clients));
  second.Upload(1, OfferKind::kTrain, payload_);
  EXPECT_TRUE(NothingHappens(clients)) << "three of five megabytes are taken";
  for (std::size_t i = 1; i < frames.size(); ++i) {
    send(first, frames[i]);
  }

  for (const char* id : {"a", "b"}) {
    const auto event = RunTask(io_, clients.Next(Soon()));
    ASSERT_TRUE(event && std::holds_alternative<MessageEvent>(*event)) << id;
    EXPECT_EQ(std::get<MessageEvent>(*event).client, id);
    EXPECT_EQ(std::get<MessageEvent>(*event).payload, payload_);
  }
}

TEST_F(RemoteClientsLimitsTest, TheMemoryOfAnUploadThatBrokeOffServesTheNext) {
  RemoteClients::Options options = MakeOptions();
  options.upload_memory = 1;  // One upload at a time.
  RemoteClients clients(io_.get_executor(), options);
  FakeClient first = Invited(clients, "a");
  FakeClient second = Invited(clients, "b");
  const auto frames = wire::ContributionFrames(payload_, 1, OfferKind::kTrain);

  ASSERT_TRUE(RunTask(io_, first.channel().Send(frames[0], Soon())));
  EXPECT_TRUE(NothingHappens(clients));
  second.Upload(1, OfferKind::kTrain, payload_);
  EXPECT_TRUE(NothingHappens(clients));
  first.Close();

  const auto drop = RunTask(io_, clients.Next(Soon()));
  ASSERT_TRUE(drop && std::holds_alternative<DropEvent>(*drop));
  const auto message = RunTask(io_, clients.Next(Soon()));
  ASSERT_TRUE(message && std::holds_alternative<MessageEvent>(*message));
  EXPECT_EQ(std::get<MessageEvent>(*message).client, "b");
}

}  // namespace
}  // namespace rondo::coordinator
