#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "common/config/scenario.h"
#include "common/federated/noise.h"
#include "common/federated/task.h"
#include "common/federated/update_sum.h"
#include "common/privacy/ledger.h"
#include "coordinator/checkpoint_sink.h"

namespace rondo::coordinator {

/// How a noise multiplier is divided between the sum of deltas and that of adaptive clipping's
/// bits, so that both together cost what one release with all of it costs.
/// Source  Andrew et al. 2021, "Differentially private learning with adaptive clipping", theorem 1.
struct NoiseSplit {
  double delta = 0.0;  ///< standard deviation over the clip norm
  double bits = 0.0;   ///< standard deviation of the count of unclipped clients
};

/// The bits get a twentieth of the cohort.
/// Errors  kInvalidArgument if that alone costs more than `multiplier` allows.
Result<NoiseSplit> SplitNoise(double multiplier, int cohort);

/// The clip norm after a round in which the share `unclipped` of the clients was within it.
double NextClipNorm(double clip_norm, double unclipped, const PrivacyConfig& config);

/// What differential privacy makes of a round: the clip that clients apply, the noise on their sum,
/// its fixed divisor, and the entry in the ledger, which is kept before anybody sees the result.
///
/// Where sums arrive in the clear the noise is added here; under masks every client adds its share
/// and the round is paid for when it is offered, since nobody can take a sum back.
class PrivateRounds {
 public:
  /// Puts the ledger where a crash does not reach it. Errors  kIo.
  using Keep = std::function<Status(const PrivacyLedger&)>;

  struct Parts {
    PrivacyConfig privacy;
    StrategyConfig strategy;
    std::optional<std::uint64_t> seed;  ///< of noise in a simulation; none: OpenSSL
    int threads = 1;
    Keep keep;  ///< null: the ledger is safe with the checkpoint, as rounds can be played again
  };

  explicit PrivateRounds(Parts parts) : parts_(std::move(parts)) {}

  bool Poisson() const { return parts_.privacy.sampling == "poisson"; }

  /// The probability that a round uses a client, as far as it may be counted on.
  double Rate(std::size_t population) const;

  /// Clients more that the grid of so many `clients` needs room for.
  std::uint64_t GridRoom(const RunState& state, std::uint64_t clients) const;

  /// Sets what clients do for privacy; `coordinates` are those of a delta.
  void Plan(TrainTask& task, std::size_t coordinates, const RunState& state) const;

  /// Under masks, pays for the round; else nothing.
  Status Offered(double rate, RunState& state) const;

  /// The noisy sum, weighing what a whole cohort weighs. `sums` may be empty under Poisson
  /// sampling. Errors  kInvalidArgument if the grid is too coarse; kIo of Keep. Nothing was
  /// released then.
  Result<UpdateSum> Release(const TrainTask& task,
                            const std::vector<UpdateSum>& sums,
                            double rate,
                            RunState& state) const;

  /// Whether one more release keeps within target_epsilon.
  Result<bool> Affordable(double rate, const RunState& state);

  Result<double> Epsilon(const RunState& state) const;

  /// Whether Epsilon takes no noticeable time.
  bool EpsilonIsQuick(const RunState& state) const;

 private:
  double ClipNorm(const RunState& state) const;

  bool Adaptive() const { return parts_.privacy.clip_quantile > 0.0; }

  bool ClientsAddNoise() const { return parts_.privacy.mode == "masked"; }

  double Multiplier() const;
  Status Spend(double rate, RunState& state) const;
  NoiseSource Source(RoundId round, std::uint64_t number) const;

  Parts parts_;
  std::optional<std::int64_t> most_releases_;  ///< of one kind, within the target
  double most_rate_ = 0.0;                     ///< for which that was found
};

}  // namespace rondo::coordinator
