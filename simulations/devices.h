#pragma once

#include <cstdint>
#include <map>

#include "common/config/scenario.h"
#include "common/core/clock.h"
#include "common/core/ids.h"

namespace rondo::sim {

/// The machines of simulated clients, a function of the run's seed and the client's id alone, so
/// that all strategies of a comparison meet the same ones.
///
/// Speed  positions_per_s * exp(speed_sigma * z), z standard normal, of its own for each client;
///        bandwidths the same around down_mbit and up_mbit (10^6 bits a second) with
///        bandwidth_sigma.
/// Hours  each client is there during the first `available` share of a cycle of its own, half an
///        hour to one and a half, that began at a random point before the run. This is asked when
///        clients are invited; who has begun to work finishes.
/// Drop-outs  in each round each invited client is lost with probability `drop_out`.
class Devices {
 public:
  Devices(const DevicesConfig& config, std::uint64_t seed) : config_(config), seed_(seed) {}

  const DevicesConfig& config() const { return config_; }

  /// What a client does in a round.
  struct Job {
    std::uint64_t bytes_down = 0;
    std::uint64_t positions = 0;  ///< trained, over all epochs or steps
    std::uint64_t bytes_up = 0;
  };

  /// From the offer to the answer: download, training and upload, one after the other.
  Duration TimeFor(const ClientId& client, const Job& job);

  /// `time` counts from TimePoint(), the start of the run.
  bool IsThere(const ClientId& client, TimePoint time);

  /// Whether the client never answers an offer of this round; `round` counts from 1.
  bool DropsOut(RoundId round, const ClientId& client) const;

 private:
  struct Device {
    double positions_per_s = 0.0;
    double down_bytes_per_s = 0.0;
    double up_bytes_per_s = 0.0;
    double cycle_s = 0.0;
    double into_cycle_s = 0.0;  ///< at the start of the run
  };

  const Device& Of(const ClientId& client);

  DevicesConfig config_;
  std::uint64_t seed_;
  std::map<ClientId, Device> devices_;
};

}  // namespace rondo::sim
