#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "common/config/scenario.h"
#include "common/core/bytes.h"
#include "common/federated/update_sum.h"
#include "coordinator/round_loop.h"
#include "tests/support/temporary_folder.h"

namespace rondo::sim {

/// What a run left behind, and the exact sum of updates that each of its rounds folded.
struct PoolRun {
  coordinator::RunState state;
  std::vector<UpdateSum> sums;
};

/// What a listener heard of real clients, and what they had to say.
struct Tap {
  Bytes inside_tls;                  ///< frames that clients sent
  Bytes below_tls;                   ///< all bytes of their TCP connections; none over memory
  std::vector<Bytes> contributions;  ///< encoded, in the clear, as the coordinator decoded them
};

/// Three institutions with generated logs, as files, and the pools that can train them. The round
/// loop, the strategy and the sessions are the same for every pool.
class PoolsTest : public ::testing::Test {
 protected:
  void SetUp() override;

  /// The simulation's virtual clients.
  Result<PoolRun> RunVirtual(const Scenario& scenario);

  /// The real client code on channels in memory. In privacy.mode "sealed" contributions are sealed,
  /// here and over TLS.
  Result<PoolRun> RunLoopback(const Scenario& scenario);

  /// The real client code on TLS connections to 127.0.0.1.
  Result<PoolRun> RunTls(const Scenario& scenario);

  /// A client's share of the partition, as its owner would configure it.
  DataConfig OwnData(const ClientId& id) const;

  std::filesystem::path StateFolder(const ClientId& id) const;

  Scenario scenario_;
  testing::TemporaryFolder folder_;
  std::vector<ClientId> clients_;
  std::optional<Tap> tap_;  ///< if set, filled by runs of real clients
  int runs_ = 0;            ///< of real clients, each with state folders of its own
};

/// How far sums of floats taken in another order may move a weight.
inline constexpr double kTolerance = 1e-6;

class ThreePoolsTest : public PoolsTest {
 protected:
  /// The last one has run only if all have.
  void RunAllThree() {
    const auto run = [](Result<PoolRun> ended, std::optional<PoolRun>& into) {
      ASSERT_TRUE(ended) << ended.error().message;
      into = *std::move(ended);
    };
    ASSERT_NO_FATAL_FAILURE(run(RunVirtual(scenario_), simulated_));
    ASSERT_NO_FATAL_FAILURE(run(RunLoopback(scenario_), in_memory_));
    ASSERT_NO_FATAL_FAILURE(run(RunTls(scenario_), over_tls_));
  }

  std::optional<PoolRun> simulated_;
  std::optional<PoolRun> in_memory_;
  std::optional<PoolRun> over_tls_;
};

/// The largest absolute difference between two lists of the same size.
double LargestDifference(std::span<const float> a, std::span<const float> b);

/// The mean delta of a round's sum, before the server optimiser.
std::vector<float> MeanDelta(const UpdateSum& sum);

/// The integers of a round's sum.
const std::vector<std::int64_t>& Integers(const UpdateSum& sum);

}  // namespace rondo::sim
