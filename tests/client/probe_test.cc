#include "client/probe.h"

#include "tests/client/session_fixture.h"

namespace rondo::client::testing {
namespace {

class ProbeTest : public SessionFixture {
 protected:
  /// The probe's verdict on a coordinator that answers Hello with `answer`.
  Status Probe(const wire::Message& answer) {
    const LoopbackPair pair = MakeLoopback(io_.get_executor(), "hospital");
    auto verdict = rondo::testing::Start(
        io_, ProbeCoordinator(*pair.client_end, std::string(64, 'a'), Soon()));
    auto played = rondo::testing::Start(io_, Answer(*pair.server_end, answer));
    rondo::testing::Wait(io_, played);
    return rondo::testing::Wait(io_, verdict);
  }

  Task<bool> Answer(Channel& channel, wire::Message answer) {
    hello_ = co_await Next(channel);
    const bool welcome = std::holds_alternative<wire::Welcome>(answer);
    co_await Say(channel, std::move(answer));
    if (welcome) {
      farewell_ = co_await Next(channel);
    }
    co_return true;
  }

  std::optional<wire::Message> farewell_;
};

TEST_F(ProbeTest, ShowsItsCatalogueAndLeavesWithAGoodbye) {
  EXPECT_TRUE(Probe(Welcome()));
  EXPECT_EQ(std::get<wire::Hello>(hello_).catalogue_sha256, std::string(64, 'a'));
  EXPECT_TRUE(std::get<wire::Hello>(hello_).only_looks);
  ASSERT_TRUE(farewell_.has_value());
  EXPECT_NE(std::get<wire::Goodbye>(*farewell_).reason, "closed");
}

TEST_F(ProbeTest, TellsWhatTheCoordinatorRefuses) {
  const Status verdict =
      Probe(wire::Reject{.code = ErrorCode::kFailedPrecondition, .message = "catalogue differs"});
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(verdict.error().message, "the coordinator refused: catalogue differs");
}

TEST_F(ProbeTest, AnotherAnswerIsAFault) {
  EXPECT_EQ(Probe(wire::Heartbeat{}).error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace rondo::client::testing
