#include "simulations/devices.h"

#include <algorithm>
#include <cmath>

#include "simulations/simulation.h"
#include "tests/simulations/pools_fixture.h"
#include "tests/support/loop_fixture.h"

namespace rondo::sim {
namespace {

using rondo::testing::MemorySink;
using rondo::testing::RecordingObserver;

TimePoint At(double seconds) {
  return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)));
}

double Seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// Machines that are all the same.
DevicesConfig Uniform() {
  DevicesConfig config;
  config.virtual_clock = true;
  config.positions_per_s = 100.0;
  config.speed_sigma = 0.0;
  config.down_mbit = 8.0;
  config.up_mbit = 2.0;
  config.bandwidth_sigma = 0.0;
  return config;
}

TEST(Devices, DownloadTrainingAndUploadTakeTheirTimeOneAfterTheOther) {
  Devices devices(Uniform(), 1);

  // 8 Mbit/s are 10^6 bytes a second, 2 Mbit/s a quarter of that.
  const Duration time =
      devices.TimeFor("a", {.bytes_down = 3'000'000, .positions = 250, .bytes_up = 1'000'000});

  EXPECT_NEAR(Seconds(time), 3.0 + 2.5 + 4.0, 1e-6);
}

TEST(Devices, SpeedsAreLogNormalAndBelongToSeedAndClient) {
  DevicesConfig config = Uniform();
  config.speed_sigma = 0.5;
  Devices devices(config, 1);
  Devices again(config, 1);
  Devices other(config, 2);
  std::vector<double> logs;
  for (int i = 0; i < 2000; ++i) {
    const ClientId id = "client-" + std::to_string(i);
    const Duration time = devices.TimeFor(id, {.positions = 100});
    EXPECT_EQ(time, again.TimeFor(id, {.positions = 100}));
    EXPECT_NE(time, other.TimeFor(id, {.positions = 100}));
    logs.push_back(-std::log(Seconds(time)));  // 100 positions at 100 a second: log 1.
  }
  double mean = 0.0;
  double square = 0.0;
  for (const double value : logs) {
    mean += value / 2000.0;
    square += value * value / 2000.0;
  }

  EXPECT_NEAR(mean, 0.0, 0.06);  // 5 standard errors
  EXPECT_NEAR(std::sqrt(square - mean * mean), 0.5, 0.05);
}

TEST(Devices, AClientIsThereForItsShareOfTheTime) {
  DevicesConfig config = Uniform();
  config.available = 0.3;
  Devices devices(config, 1);
  double there = 0.0;
  double at_start = 0.0;
  for (int i = 0; i < 500; ++i) {
    const ClientId id = "client-" + std::to_string(i);
    at_start += devices.IsThere(id, At(0)) ? 1.0 / 500 : 0.0;
    for (int minute = 0; minute < 600; ++minute) {
      there += devices.IsThere(id, At(60.0 * minute)) ? 1.0 / 300'000 : 0.0;
    }
  }

  EXPECT_NEAR(there, 0.3, 0.02);
  EXPECT_NEAR(at_start, 0.3, 0.1);  // Everybody has hours of its own.
}

TEST(Devices, DropOutsBelongToRoundAndClient) {
  DevicesConfig config = Uniform();
  config.drop_out = 0.2;
  const Devices devices(config, 1);
  const Devices again(config, 1);
  int lost = 0;
  int lost_twice = 0;
  for (int i = 0; i < 5000; ++i) {
    const ClientId id = "client-" + std::to_string(i);
    EXPECT_EQ(devices.DropsOut(1, id), again.DropsOut(1, id));
    lost += devices.DropsOut(1, id) ? 1 : 0;
    lost_twice += devices.DropsOut(1, id) && devices.DropsOut(2, id) ? 1 : 0;
  }

  EXPECT_NEAR(lost / 5000.0, 0.2, 0.03);
  EXPECT_NEAR(lost_twice / 5000.0, 0.04, 0.015);
}

/// Sixty users, each a client.
class TimedRunTest : public PoolsTest {
 protected:
  struct Ran {
    coordinator::RunState state;
    std::vector<coordinator::RoundReport> rounds;
    std::vector<coordinator::RunState> saved;
  };

  void SetUp() override {
    PoolsTest::SetUp();
    scenario_.data.clients = "user";
    scenario_.strategy.quorum = 1;
    scenario_.strategy.cohort = 10;
  }

  Ran Run(const std::optional<coordinator::RunState>& start = {}) {
    auto experiment = PrepareExperiment(scenario_);
    EXPECT_TRUE(experiment) << experiment.error().message;
    MemorySink sink;
    RecordingObserver observer;
    const auto outcome = RunSimulation(
        {.experiment = **experiment, .checkpoints = sink, .observer = observer, .stop = {}},
        start ? *start : FreshState(**experiment));
    EXPECT_TRUE(outcome) << outcome.error().message;
    return {outcome->run.state, observer.rounds, sink.states};
  }

  /// From the offer to each client's answer, in ascending order.
  std::vector<double> AnswerTimes() {
    auto experiment = PrepareExperiment(scenario_);
    Devices devices(scenario_.devices, scenario_.seed);
    const std::uint64_t bytes = (*experiment)->layout->size() * 4;
    std::vector<double> times;
    for (const ClientShard& shard : (*experiment)->shards) {
      const UserSequence& user = (*experiment)->data.dataset.users[shard.users.at(0)];
      // Every training row but the first is predicted, as far as the history goes.
      const std::uint64_t positions = std::min<std::uint64_t>(
          user.train_size - 1, static_cast<std::uint64_t>(scenario_.model.history));
      const auto epochs = static_cast<std::uint64_t>(scenario_.client.epochs);
      times.push_back(Seconds(devices.TimeFor(
          shard.id, {.bytes_down = bytes, .positions = epochs * positions, .bytes_up = bytes})));
    }
    std::sort(times.begin(), times.end());
    return times;
  }
};

TEST_F(TimedRunTest, WhereNobodyIsLateTheClockChangesNoBitOfTheModel) {
  for (const int steps : {0, 1}) {  // Two epochs each, or one step on shared weights.
    scenario_.client.steps = steps;
    scenario_.client.batch_size = steps == 1 ? 64 : 8;
    scenario_.devices = {};
    const Ran plain = Run();
    scenario_.devices.virtual_clock = true;
    const Ran timed = Run();

    EXPECT_EQ(timed.state.model.values, plain.state.model.values);
    EXPECT_FALSE(plain.rounds.at(0).simulated_seconds);
    EXPECT_GT(timed.rounds.at(0).simulated_seconds.value_or(0.0), 0.0);
    EXPECT_EQ(timed.rounds.at(0).bytes_up, plain.rounds.at(0).bytes_up);
    EXPECT_EQ(timed.rounds.at(0).loss, plain.rounds.at(0).loss);
  }
}

TEST_F(TimedRunTest, ARoundLastsAsLongAsItsSlowestClient) {
  scenario_.devices.virtual_clock = true;
  scenario_.strategy.cohort = 0;
  scenario_.evaluation.every = 1;  // Takes no simulated time.

  const Ran ran = Run();

  const double slowest = AnswerTimes().back();
  for (const coordinator::RoundReport& round : ran.rounds) {
    EXPECT_NEAR(round.simulated_seconds.value_or(0.0), slowest, 1e-6);
    EXPECT_EQ(round.contributors, 60U);
  }
  EXPECT_NEAR(coordinator::SimulatedSeconds(ran.state), 3 * slowest, 1e-5);
}

TEST_F(TimedRunTest, WhoIsNotBackByTheDeadlineIsDropped) {
  scenario_.devices.virtual_clock = true;
  scenario_.strategy.cohort = 0;
  const std::vector<double> times = AnswerTimes();
  scenario_.strategy.deadline_s = (times[39] + times[40]) / 2;

  const Ran ran = Run();

  for (const coordinator::RoundReport& round : ran.rounds) {
    EXPECT_EQ(round.contributors, 40U);
    EXPECT_EQ(round.dropped.size(), 20U);
    EXPECT_EQ(round.dropped.at(0).second.code, ErrorCode::kTimeout);
    EXPECT_NEAR(round.simulated_seconds.value_or(0.0), scenario_.strategy.deadline_s, 1e-6);
  }
}

TEST_F(TimedRunTest, OverSelectionWaitsForTheFastestOnly) {
  scenario_.devices.virtual_clock = true;
  scenario_.strategy.cohort = 40;
  scenario_.strategy.over_selection = 1.5;

  const Ran ran = Run();

  for (const coordinator::RoundReport& round : ran.rounds) {
    EXPECT_EQ(round.invited, 60U);
    EXPECT_EQ(round.contributors, 40U);
    EXPECT_NEAR(round.simulated_seconds.value_or(0.0), AnswerTimes().at(39), 1e-6);
  }
}

TEST_F(TimedRunTest, DropOutsAreTheSameWithAndWithoutAClock) {
  scenario_.devices.drop_out = 0.3;
  const Ran plain = Run();
  scenario_.devices.virtual_clock = true;
  scenario_.strategy.deadline_s = 500.0;
  const Ran timed = Run();

  std::size_t lost = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    lost += plain.rounds.at(i).dropped.size();
    EXPECT_EQ(timed.rounds.at(i).contributors, plain.rounds.at(i).contributors);
    if (!plain.rounds.at(i).dropped.empty()) {
      EXPECT_NEAR(timed.rounds.at(i).simulated_seconds.value_or(0.0), 500.0, 1e-6);
    }
  }
  EXPECT_GT(lost, 0U);
  EXPECT_LT(lost, 25U);
  EXPECT_EQ(timed.state.model.values, plain.state.model.values);
}

TEST_F(TimedRunTest, OnlyClientsThatAreThereAreInvited) {
  scenario_.devices.virtual_clock = true;
  scenario_.devices.available = 0.4;
  scenario_.strategy.cohort = 0;
  scenario_.strategy.rounds = 2;
  Devices devices(scenario_.devices, scenario_.seed);
  auto experiment = PrepareExperiment(scenario_);
  std::size_t there = 0;
  for (const ClientShard& shard : (*experiment)->shards) {
    there += devices.IsThere(shard.id, At(0)) ? 1 : 0;
  }

  const Ran ran = Run();

  EXPECT_EQ(ran.rounds.at(0).invited, there);
  EXPECT_GT(there, 10U);
  EXPECT_LT(there, 40U);
}

TEST_F(TimedRunTest, ARoundWaitsUntilItsQuorumIsThere) {
  scenario_.seed = 2;
  scenario_.devices.virtual_clock = true;
  scenario_.devices.available = 0.4;
  scenario_.strategy.rounds = 1;
  scenario_.strategy.cohort = 0;
  scenario_.strategy.deadline_s = 5000.0;
  Devices devices(scenario_.devices, scenario_.seed);
  auto experiment = PrepareExperiment(scenario_);
  const auto there = [&](double seconds) {
    return std::count_if(
        (*experiment)->shards.begin(), (*experiment)->shards.end(), [&](const ClientShard& shard) {
          return devices.IsThere(shard.id, At(seconds));
        });
  };
  const auto quorum = there(0) + 1;
  double waited = 0.0;
  while (there(waited) < quorum && waited < 5000.0) {
    waited += 0.2;
  }
  ASSERT_LT(waited, 5000.0);
  scenario_.strategy.quorum = static_cast<int>(quorum);

  const Ran ran = Run();

  EXPECT_GE(ran.rounds.at(0).contributors, static_cast<std::size_t>(quorum));
  EXPECT_GE(ran.rounds.at(0).simulated_seconds.value_or(0.0), waited - 0.2);
}

TEST_F(TimedRunTest, AResumedRunGoesOnAtItsTime) {
  scenario_.devices.virtual_clock = true;
  scenario_.devices.available = 0.6;  // Cohorts depend on the hour.
  scenario_.devices.positions_per_s = 0.05;
  scenario_.strategy.deadline_s = 5000.0;
  scenario_.strategy.rounds = 4;
  const Ran straight = Run();

  const Ran resumed = Run(straight.saved.at(1));

  EXPECT_EQ(resumed.rounds.size(), 2U);
  EXPECT_EQ(resumed.state.simulated, straight.state.simulated);
  EXPECT_EQ(resumed.state.model.values, straight.state.model.values);
}

TEST_F(TimedRunTest, WithoutDelayABufferOfTheCohortHasTheBitsOfSynchronousRounds) {
  for (const int steps : {0, 1}) {  // Two epochs each, or one step on shared weights.
    scenario_.client.steps = steps;
    scenario_.client.batch_size = steps == 1 ? 64 : 8;
    scenario_.evaluation.every = 2;
    scenario_.strategy.buffer = 0;
    const Ran synchronous = Run();
    scenario_.strategy.buffer = 10;
    const Ran buffered = Run();

    EXPECT_EQ(buffered.state.model.values, synchronous.state.model.values);
    EXPECT_EQ(buffered.rounds.at(0).stale, 0U);
  }
}

TEST_F(TimedRunTest, BufferedRoundsWaitForNoSlowClient) {
  scenario_.devices.virtual_clock = true;
  scenario_.devices.speed_sigma = 1.0;
  scenario_.devices.positions_per_s = 10.0;
  scenario_.strategy.cohort = 20;
  scenario_.strategy.rounds = 12;
  scenario_.evaluation.every = 3;
  const Ran synchronous = Run();
  scenario_.strategy.buffer = 5;
  const Ran buffered = Run();
  const Ran again = Run();

  double staleness = 0.0;
  for (const coordinator::RoundReport& round : buffered.rounds) {
    EXPECT_EQ(round.contributors, 5U);
    EXPECT_TRUE(round.dropped.empty());
    staleness += round.staleness;
  }
  EXPECT_GT(staleness, 0.0);
  EXPECT_LT(buffered.state.simulated, synchronous.state.simulated / 2);
  EXPECT_EQ(again.state.model.values, buffered.state.model.values);
  EXPECT_EQ(again.state.simulated, buffered.state.simulated);
  // The first round is what the five fastest of its cohort took.
  EXPECT_GT(buffered.rounds.at(0).simulated_seconds.value_or(0.0), 0.0);
}

TEST_F(TimedRunTest, BufferedRoundsOutliveDropOutsAndHours) {
  scenario_.devices.virtual_clock = true;
  scenario_.devices.drop_out = 0.3;
  scenario_.devices.available = 0.5;
  scenario_.strategy.cohort = 12;
  scenario_.strategy.buffer = 4;
  scenario_.strategy.rounds = 10;
  scenario_.strategy.deadline_s = 100.0;

  const Ran ran = Run();

  std::size_t late = 0;
  for (const coordinator::RoundReport& round : ran.rounds) {
    EXPECT_FALSE(round.is_void);
    late += round.dropped.size();
  }
  EXPECT_EQ(ran.state.round, 10U);
  EXPECT_GT(late, 0U) << "nobody who dropped out was found missing";
}

}  // namespace
}  // namespace rondo::sim
