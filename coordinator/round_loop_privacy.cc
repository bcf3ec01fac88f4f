#include <algorithm>
#include <cmath>

#include "common/core/workers.h"
#include "coordinator/round_loop.h"
#include "coordinator/round_loop_round.h"

/// What differential privacy changes about the rounds.
namespace rondo::coordinator {

Status RoundLoop::PreparePrivacy() {
  const PrivacyConfig& config = scenario_.privacy;
  if (config.noise_multiplier <= 0.0) {
    if (state_.ledger.releases() > 0) {
      return Fail(ErrorCode::kInvalidArgument,
                  "privacy.noise_multiplier: the run began with noise, and rounds without it would "
                  "undo what that protects; set it again, or begin a new run");
    }
    return Ok();
  }
  const int threads = scenario_.engine.threads;
  privacy_ = std::make_unique<PrivateRounds>(
      PrivateRounds::Parts{.privacy = config,
                           .strategy = scenario_.strategy,
                           .seed = parts_.noise_seed,
                           .threads = threads > 0 ? threads : UsableCores(),
                           .keep = parts_.keep_spent});
  RONDO_TRY(const bool affordable, privacy_->Affordable(PrivacyRate(), state_));
  if (!affordable && state_.ledger.releases() == 0) {
    PrivacyLedger one;
    RONDO_TRY_STATUS(one.Spend({.rate = PrivacyRate(), .noise = config.noise_multiplier}));
    RONDO_TRY(const double epsilon, one.Epsilon(AccountantOf(config.accountant), config.delta));
    return Fail(ErrorCode::kInvalidArgument,
                "privacy.target_epsilon: a single round costs epsilon " + std::to_string(epsilon)
                    + ", the target is " + std::to_string(config.target_epsilon)
                    + "; raise privacy.noise_multiplier or the target");
  }
  return Ok();
}

bool RoundLoop::MayMeasure() const {
  return scenario_.privacy.noise_multiplier <= 0.0 || parts_.pool.owns_data();
}

double RoundLoop::PrivacyRate() const {
  return privacy_->Rate(parts_.pool.population());
}

bool RoundLoop::OutOfBudget() {
  if (privacy_ == nullptr) {
    return false;
  }
  const Result<bool> affordable = privacy_->Affordable(PrivacyRate(), state_);
  return !affordable.has_value() || !*affordable;
}

bool RoundLoop::AllRoundsDone() {
  return state_.round >= static_cast<RoundId>(std::max(scenario_.strategy.rounds, 0))
         || OutOfBudget();
}

void RoundLoop::SelectCohort(Round& round) {
  std::vector<ClientId> available = parts_.pool.Available();
  if (privacy_ != nullptr && privacy_->Poisson()) {
    const std::size_t population = parts_.pool.population();
    round.rate = privacy_->Rate(population);
    round.invited = parts_.sampler.SamplePoisson(std::move(available), round.id, population);
  } else {
    round.invited = parts_.sampler.Sample(std::move(available), round.id);
  }
}

/// Whether somebody was drawn must not show in whether there is a round.
bool RoundLoop::MayBeEmpty() const {
  return privacy_ != nullptr && privacy_->Poisson();
}

void RoundLoop::ReportPrivacy(Round& round) const {
  if (privacy_ == nullptr) {
    return;
  }
  if (!MayMeasure()) {
    round.report.loss = std::nan("");
  }
  round.report.clip_norm = round.task.clip_norm;
  if (privacy_->EpsilonIsQuick(state_)) {
    if (const auto epsilon = privacy_->Epsilon(state_)) {
      round.report.epsilon = *epsilon;
    }
  }
}

}  // namespace rondo::coordinator
