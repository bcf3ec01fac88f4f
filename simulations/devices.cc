#include "simulations/devices.h"

#include <cmath>

#include "common/core/rng.h"

namespace rondo::sim {
namespace {

constexpr double kBytesAMegabit = 1e6 / 8.0;
constexpr double kShortestCycle = 1800.0;
constexpr double kCycles = 3600.0;  ///< longest less shortest
/// A client slower than this is never heard of; the bound keeps times inside 64 bits.
constexpr double kLongest = 1e9;

}  // namespace

const Devices::Device& Devices::Of(const ClientId& client) {
  if (const auto found = devices_.find(client); found != devices_.end()) {
    return found->second;
  }
  // Round 0 has no drop-outs, so its stream is free for what never changes.
  Rng rng(StreamName{
      .seed = seed_, .round = 0, .client = HashId(client), .purpose = Purpose::kDevices});
  const auto spread = [&rng](double sigma) {
    return std::exp(sigma * rng.Normal());
  };
  Device device;
  device.positions_per_s = config_.positions_per_s * spread(config_.speed_sigma);
  device.down_bytes_per_s = config_.down_mbit * kBytesAMegabit * spread(config_.bandwidth_sigma);
  device.up_bytes_per_s = config_.up_mbit * kBytesAMegabit * spread(config_.bandwidth_sigma);
  device.cycle_s = kShortestCycle + kCycles * rng.Uniform();
  device.into_cycle_s = device.cycle_s * rng.Uniform();
  return devices_.emplace(client, device).first->second;
}

Duration Devices::TimeFor(const ClientId& client, const Job& job) {
  const Device& device = Of(client);
  const double seconds = static_cast<double>(job.bytes_down) / device.down_bytes_per_s
                         + static_cast<double>(job.positions) / device.positions_per_s
                         + static_cast<double>(job.bytes_up) / device.up_bytes_per_s;
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(std::min(seconds, kLongest)));
}

bool Devices::IsThere(const ClientId& client, TimePoint time) {
  if (config_.available >= 1.0) {
    return true;
  }
  const Device& device = Of(client);
  const double passed = std::chrono::duration<double>(time.time_since_epoch()).count();
  return std::fmod(device.into_cycle_s + passed, device.cycle_s)
         < config_.available * device.cycle_s;
}

bool Devices::DropsOut(RoundId round, const ClientId& client) const {
  if (config_.drop_out <= 0.0) {
    return false;
  }
  Rng rng(StreamName{
      .seed = seed_, .round = round, .client = HashId(client), .purpose = Purpose::kDevices});
  return rng.Uniform() < config_.drop_out;
}

}  // namespace rondo::sim
