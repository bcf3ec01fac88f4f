#include "coordinator/private_rounds.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "common/core/check.h"
#include "common/federated/unclipped_block.h"

namespace rondo::coordinator {
namespace {

constexpr double kBitsShare = 0.05;  // of the cohort

}  // namespace

Result<NoiseSplit> SplitNoise(double multiplier, int cohort) {
  const double bits = kBitsShare * cohort;
  // A client moves the count, less a half each, by a half.
  const double left = 1.0 / (multiplier * multiplier) - 1.0 / (4.0 * bits * bits);
  if (!(left > 0.0)) {
    return Fail(ErrorCode::kInvalidArgument,
                "privacy.noise_multiplier: adaptive clipping needs less than a tenth of the "
                "cohort, here "
                    + std::to_string(2.0 * bits) + "; lower it or raise strategy.cohort");
  }
  return NoiseSplit{.delta = 1.0 / std::sqrt(left), .bits = bits};
}

double NextClipNorm(double clip_norm, double unclipped, const PrivacyConfig& config) {
  // Noise may push the share out of [0, 1]; one round moves the norm by no more than a bit can.
  const double share = std::clamp(unclipped, 0.0, 1.0);
  return clip_norm * std::exp(-config.clip_learning_rate * (share - config.clip_quantile));
}

double PrivateRounds::Rate(std::size_t population) const {
  const auto cohort = static_cast<double>(parts_.strategy.cohort);
  return Poisson() ? std::min(1.0, cohort / std::max(1.0, static_cast<double>(population))) : 1.0;
}

double PrivateRounds::ClipNorm(const RunState& state) const {
  return state.clip_norm > 0.0 ? state.clip_norm : parts_.privacy.clip_norm;
}

double PrivateRounds::Multiplier() const {
  const double all = parts_.privacy.noise_multiplier;
  if (!Adaptive()) {
    return all;
  }
  const auto split = SplitNoise(all, parts_.strategy.cohort);
  RONDO_CHECK(split.has_value()) << "the scenario was validated";
  return split->delta;
}

std::uint64_t PrivateRounds::GridRoom(const RunState& state, std::uint64_t clients) const {
  const double stddev = Multiplier() * ClipNorm(state);
  if (!ClientsAddNoise()) {
    return NoiseRoom(stddev, parts_.privacy.ring_range);
  }
  // Masked numbers are bounded one by one, so there is room for the largest draw of everybody.
  const double share = stddev / std::sqrt(static_cast<double>(parts_.privacy.min_clients));
  return ShareRoom(share, parts_.privacy.ring_range, clients);
}

void PrivateRounds::Plan(TrainTask& task, std::size_t coordinates, const RunState& state) const {
  task.clip_norm = ClipNorm(state);
  task.counts_unclipped = Adaptive();
  if (ClientsAddNoise()) {
    task.noise_stddev = Multiplier() * GridSensitivity(task.clip_norm, coordinates, task.grid)
                        / std::sqrt(static_cast<double>(parts_.privacy.min_clients));
  }
}

NoiseSource PrivateRounds::Source(RoundId round, std::uint64_t number) const {
  if (!parts_.seed) {
    return {};
  }
  return {.stream = StreamName{
              .seed = *parts_.seed, .round = round, .client = number, .purpose = Purpose::kNoise}};
}

Status PrivateRounds::Spend(double rate, RunState& state) const {
  PrivacyLedger after = state.ledger;
  RONDO_TRY_STATUS(after.Spend({.rate = rate, .noise = parts_.privacy.noise_multiplier}));
  if (parts_.keep) {
    RONDO_TRY_STATUS(parts_.keep(after));
  }
  state.ledger = std::move(after);
  return Ok();
}

Status PrivateRounds::Offered(double rate, RunState& state) const {
  return ClientsAddNoise() ? Spend(rate, state) : Ok();
}

Result<UpdateSum> PrivateRounds::Release(const TrainTask& task,
                                         const std::vector<UpdateSum>& sums,
                                         double rate,
                                         RunState& state) const {
  UpdateSum total;
  for (const UpdateSum& sum : sums) {
    RONDO_TRY_STATUS(total.Add(sum));
  }
  if (total.blocks.empty()) {
    // Nobody was drawn. That is no secret kept by releasing nothing.
    const auto shared = SharedLayout(state.model.layout);
    total.blocks.push_back(
        MakeBlock(std::string(kDeltaBlock), shared, task.grid, Scaling::kByWeight));
    if (Adaptive()) {
      total.blocks.push_back(MakeBlock(
          std::string(kUnclippedBlock), UnclippedLayout(), task.grid, Scaling::kPerClient));
    }
  }
  GridBlock* const delta = total.Find(kDeltaBlock);
  if (delta == nullptr) {
    return Fail(ErrorCode::kFailedPrecondition, "the sum holds no block \"delta\"");
  }
  const double bound = GridSensitivity(task.clip_norm, delta->values.size(), task.grid);
  if (!ClientsAddNoise()) {
    RONDO_TRY(const std::uint64_t sigma, NoiseSteps(Multiplier() * bound, task.grid));
    RONDO_TRY_STATUS(Spend(rate, state));
    AddNoise(*delta, sigma, Source(task.round, 0), parts_.threads);
  }
  if (Adaptive()) {
    RONDO_TRY(GridBlock bits, TakeUnclipped(total));
    RONDO_TRY(const NoiseSplit split,
              SplitNoise(parts_.privacy.noise_multiplier, parts_.strategy.cohort));
    RONDO_TRY(const std::uint64_t sigma, NoiseSteps(split.bits, task.grid));
    AddNoise(bits, sigma, Source(task.round, 1));
    const double share = 0.5 + GridToReal(bits).front() / parts_.strategy.cohort;
    state.clip_norm = NextClipNorm(task.clip_norm, share, parts_.privacy);
  }
  // Every update weighs 1, and the divisor must tell nothing of who took part.
  total.weight = static_cast<std::uint64_t>(parts_.strategy.cohort);
  total.contributors = std::max<std::uint32_t>(total.contributors, 1);
  return total;
}

Result<bool> PrivateRounds::Affordable(double rate, const RunState& state) {
  const PrivacyConfig& config = parts_.privacy;
  if (config.target_epsilon <= 0.0) {
    return true;
  }
  const Accountant accountant = AccountantOf(config.accountant);
  const NoisyRounds one{.rate = rate, .noise = config.noise_multiplier};
  const std::vector<NoisyRounds>& spent = state.ledger.entries();
  const bool alike =
      spent.empty()
      || (spent.size() == 1 && spent.front().rate == one.rate && spent.front().noise == one.noise);
  if (!alike) {
    PrivacyLedger after = state.ledger;
    RONDO_TRY_STATUS(after.Spend(one));
    RONDO_TRY(const double epsilon, after.Epsilon(accountant, config.delta));
    return epsilon <= config.target_epsilon;
  }
  if (!most_releases_ || most_rate_ != rate) {
    const std::int64_t limit = state.ledger.releases() + std::max(parts_.strategy.rounds, 1);
    RONDO_TRY(most_releases_,
              RoundsWithin(one, accountant, config.delta, config.target_epsilon, limit));
    most_rate_ = rate;
  }
  return state.ledger.releases() < *most_releases_;
}

Result<double> PrivateRounds::Epsilon(const RunState& state) const {
  return state.ledger.Epsilon(AccountantOf(parts_.privacy.accountant), parts_.privacy.delta);
}

bool PrivateRounds::EpsilonIsQuick(const RunState& state) const {
  const std::vector<NoisyRounds>& spent = state.ledger.entries();
  return parts_.privacy.accountant == "rdp"
         || std::all_of(spent.begin(), spent.end(), [](const NoisyRounds& entry) {
              return entry.rate == 1.0;
            });
}

}  // namespace rondo::coordinator
