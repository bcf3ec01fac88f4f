#include <gmock/gmock.h>

#include "tests/coordinator/remote_clients_fixture.h"

// How a federation hands out its final model.
namespace rondo::coordinator {
namespace {

using ::testing::HasSubstr;
using testing::Start;

TEST_F(RemoteClientsTest, TheFinalModelGoesToEveryoneWhoIsOrComesBack) {
  FakeClient here = Join("here");
  Join("away").Close();
  const Broadcast model = BroadcastOf(0.75F);

  const auto finished = Start(io_, clients_.Finish(model, Soon(), {}));
  EXPECT_EQ(here.ExpectModel(), model.sha256);
  EXPECT_EQ(here.Expect<wire::Finish>().model_sha256, model.sha256);
  FakeClient back = Join("away");
  EXPECT_EQ(back.ExpectModel(), model.sha256);
  back.Expect<wire::Finish>();
  here.Send(wire::Goodbye{.model_stored = true});
  back.Send(wire::Goodbye{.model_stored = true});

  EXPECT_TRUE(testing::Wait(io_, finished).has_value());
}

TEST_F(RemoteClientsTest, AClientThatIsStoppedBeforeTheModelCameDoesNotHaveIt) {
  FakeClient client = Join("a");
  const Broadcast model = BroadcastOf(0.75F);
  const auto finished = Start(io_, clients_.Finish(model, Soon(), {}));

  client.Send(wire::Goodbye{.reason = "stopped by its owner"});

  const Status outcome = testing::Wait(io_, finished);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_THAT(outcome.error().message, HasSubstr("without the final model: a"));
}

TEST_F(RemoteClientsTest, AStopEndsTheWaitForClientsThatAreAway) {
  RemoteClients::Options options = MakeOptions();
  options.return_wait = std::chrono::hours(1);
  RemoteClients patient(io_.get_executor(), options);
  const LoopbackPair pair = MakeLoopback(io_.get_executor(), "a");
  patient.Attach(pair.server_end);
  FakeClient client(io_, pair.client_end);
  client.Hello();
  client.Expect<wire::Welcome>();
  client.Close();
  std::stop_source stop;
  stop.request_stop();

  const Status finished =
      RunTask(io_, patient.Finish(BroadcastOf(0.75F), In(std::chrono::hours(2)), stop.get_token()));

  ASSERT_FALSE(finished.has_value());
  EXPECT_THAT(finished.error().message, HasSubstr("without the final model: a"));
}

TEST_F(RemoteClientsTest, FinishNamesClientsThatStayedAway) {
  Join("away").Close();

  const Status finished = RunTask(io_, clients_.Finish(BroadcastOf(0.75F), Soon(), {}));

  ASSERT_FALSE(finished.has_value());
  EXPECT_THAT(finished.error().message, HasSubstr("away"));
}

}  // namespace
}  // namespace rondo::coordinator
