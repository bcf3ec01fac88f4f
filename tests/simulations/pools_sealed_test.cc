#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/wire/messages.h"
#include "tests/simulations/pools_fixture.h"
#include "tests/support/tap.h"

/// Trust mode "sealed" beside "channel", with the real client code.
namespace rondo::sim {
namespace {

using rondo::testing::WindowsHeard;

class PoolsSealedTest : public PoolsTest {
 protected:
  void SetUp() override {
    PoolsTest::SetUp();
    scenario_.evaluation.every = 1;  // Metrics travel as updates do.
    scenario_.evaluation.protocols = {"full"};
    scenario_.evaluation.k = {10};
  }

  Scenario In(const std::string& mode) const {
    Scenario scenario = scenario_;
    scenario.privacy.mode = mode;
    return scenario;
  }

  /// The numbers of the blocks of all contributions, as they are encoded.
  std::size_t Heard(ByteView bytes) const {
    std::size_t windows = 0;
    for (const Bytes& contribution : tap_->contributions) {
      windows += WindowsHeard(contribution, bytes);
    }
    return windows;
  }
};

TEST_F(PoolsSealedTest, GivesTheModelAndTheMetricsOfChannelToTheLastBit) {
  const auto channel = RunLoopback(In("channel"));
  ASSERT_TRUE(channel) << channel.error().message;
  for (const bool tls : {false, true}) {
    const auto sealed = tls ? RunTls(In("sealed")) : RunLoopback(In("sealed"));
    ASSERT_TRUE(sealed) << sealed.error().message;
    EXPECT_EQ(sealed->state.model.values, channel->state.model.values) << tls;
    ASSERT_EQ(sealed->sums.size(), 3U);
    for (std::size_t round = 0; round < 3; ++round) {
      EXPECT_EQ(Integers(sealed->sums[round]), Integers(channel->sums[round])) << round;
    }
    ASSERT_EQ(sealed->state.history.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(sealed->state.history[i].metrics.Find("ndcg@10"),
                channel->state.history[i].metrics.Find("ndcg@10"));
    }
  }
}

TEST_F(PoolsSealedTest, NobodyOnTheWayReadsAnUpdate) {
  tap_.emplace();
  ASSERT_TRUE(RunTls(In("channel")));
  ASSERT_EQ(tap_->contributions.size(), 18U) << "an update and metrics of three clients and rounds";
  ASSERT_GT(tap_->below_tls.size(), tap_->inside_tls.size()) << "the listener heard it all";
  EXPECT_GT(Heard(tap_->inside_tls), 18U * 1000U) << "who ends TLS reads updates in mode channel";
  EXPECT_EQ(Heard(tap_->below_tls), 0U);

  tap_.emplace();
  ASSERT_TRUE(RunTls(In("sealed")));
  ASSERT_EQ(tap_->contributions.size(), 18U);
  ASSERT_GT(tap_->inside_tls.size(), 10000U);
  EXPECT_EQ(Heard(tap_->inside_tls), 0U) << "not even who ends TLS";
  EXPECT_EQ(Heard(tap_->below_tls), 0U);
}

}  // namespace
}  // namespace rondo::sim
