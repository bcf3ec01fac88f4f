#include <algorithm>
#include <utility>

#include "common/metrics/metrics_block.h"
#include "coordinator/round_loop.h"
#include "coordinator/round_loop_round.h"

namespace rondo::coordinator {
namespace {

/// Rounds are selected by it.
constexpr const char* kSelection = "full/ndcg@10";

}  // namespace

EvaluateTask PlanEvaluation(const Scenario& scenario, RoundId id, Split split) {
  const EvaluationConfig& config = scenario.evaluation;
  EvaluateTask task{.round = id,
                    .split = split,
                    .protocols = config.protocols,
                    .k = config.k,
                    .filter_seen = config.filter_seen,
                    .fine_tune = config.fine_tune,
                    .client = scenario.client,
                    .seed = scenario.seed,
                    .data_seed = scenario.data.seed};
  // Whatever is asked for, the selection needs its number.
  if (std::find(task.protocols.begin(), task.protocols.end(), "full") == task.protocols.end()) {
    task.protocols.insert(task.protocols.begin(), "full");
  }
  if (std::find(task.k.begin(), task.k.end(), 10) == task.k.end()) {
    task.k.push_back(10);
  }
  return task;
}

bool RoundLoop::ValidationDue() {
  if (!MayMeasure() || state_.round == 0 || state_.validated_round == state_.round) {
    return false;
  }
  const auto every = static_cast<RoundId>(std::max(scenario_.evaluation.every, 0));
  return AllRoundsDone() || (every > 0 && state_.round % every == 0);
}

bool RoundLoop::OutOfPatience() const {
  return scenario_.evaluation.patience > 0
         && state_.validations_without_gain >= scenario_.evaluation.patience;
}

Task<Status> RoundLoop::Validate() {
  RONDO_CO_TRY(ValidationReport report, co_await Evaluate(state_.round, Split::kValidation));
  Judge(report);
  if (privacy_ != nullptr) {
    RONDO_CO_TRY(report.epsilon, privacy_->Epsilon(state_));
  }
  state_.validated_round = state_.round;
  saved_ = false;
  parts_.observer.OnValidation(report);
  co_return Ok();
}

void RoundLoop::Judge(ValidationReport& report) {
  if (!report.metrics) {
    return;
  }
  state_.history.push_back({state_.round, *report.metrics});
  const double ndcg = report.metrics->Find(kSelection).value_or(0.0);
  report.is_best = state_.best_round == 0 || ndcg > state_.best_ndcg;
  if (report.is_best) {
    state_.best_round = state_.round;
    state_.best_ndcg = ndcg;
    state_.best_model = state_.model;
    state_.validations_without_gain = 0;
  } else {
    ++state_.validations_without_gain;
  }
}

Task<Result<ValidationReport>> RoundLoop::Evaluate(RoundId id, Split split) {
  Round round;
  round.id = id;
  round.started = parts_.clock.Now();
  round.began = WallTime();
  round.bytes_up = parts_.pool.bytes_up();
  round.bytes_down = parts_.pool.bytes_down();
  ValidationReport report{.round = id, .split = split};
  round.invited = parts_.pool.Evaluators();
  if (round.invited.empty()) {
    co_return report;
  }
  RONDO_CO_TRY_STATUS(OfferEvaluation(round, split));
  Status played = co_await Collect(round);
  const std::vector<ClientId>& contributors = round.session->contributors();
  const RoundResult ended{.round = id, .model_sha256 = broadcast_.sha256};
  if (work_ != nullptr) {
    const std::vector<ClientId> nobody;
    parts_.pool.Settle(nobody, nobody, ended);
  } else {
    parts_.pool.Announce(contributors, ended);
  }
  RONDO_CO_TRY_STATUS(std::move(played));
  report.contributors = contributors.size();
  report.dropped = round.session->dropped();
  Result<std::vector<UpdateSum>> taken = std::move(*round.session).Take();
  if (!taken && OnlyVoidsTheRound(taken.error().code)) {
    report.contributors = 0;  // A masked sum that could not be opened: there is no number.
    taken = std::vector<UpdateSum>();
  }
  RONDO_CO_TRY(const std::vector<UpdateSum> sums, std::move(taken));
  UpdateSum total;
  for (const UpdateSum& sum : sums) {
    RONDO_CO_TRY_STATUS(total.Add(sum));
  }
  if (total.contributors > 0) {
    RONDO_CO_TRY(report.metrics, MetricMeans(total));
  }
  report.seconds = ToSeconds(WallTime() - round.began);
  report.bytes_up = parts_.pool.bytes_up() - round.bytes_up;
  report.bytes_down = parts_.pool.bytes_down() - round.bytes_down;
  co_return report;
}

Status RoundLoop::OfferEvaluation(Round& round, Split split) {
  Offer offer{.kind = OfferKind::kEvaluate, .round = round.id, .model_sha256 = broadcast_.sha256};
  offer.evaluate = PlanEvaluation(scenario_, round.id, split);
  // Always the exact grid: the range of a ring is made for weight deltas, not for counts of users.
  RONDO_TRY(offer.evaluate.grid, MakeGrid(PrivacyConfig{}, 1, round.invited.size()));
  RONDO_TRY(const std::shared_ptr<const ParameterLayout> layout, MetricsLayout(offer.evaluate));
  ContributionSpec spec{.kind = OfferKind::kEvaluate,
                        .round = round.id,
                        .model_sha256 = broadcast_.sha256,
                        .max_weight = 1};
  spec.blocks.push_back(
      {std::string(kMetricsBlock), layout, offer.evaluate.grid, Scaling::kPerClient});
  round.session = parts_.new_session(std::move(spec), round.invited);
  round.enough = round.invited.size();
  round.offered = parts_.clock.Now();
  round.deadline = round.offered + Seconds(scenario_.strategy.deadline_s);
  RONDO_TRY_STATUS(ApplyStep(round.session->Start(round.offered), round));
  parts_.pool.Dispatch(round.invited, offer, broadcast_);
  return Ok();
}

Task<Status> RoundLoop::FinishRun(RunOutcome& outcome) {
  UseModel(state_.selected_model());
  if (MayMeasure() && parts_.wants_test && parts_.wants_test(state_)
      && !parts_.stop.stop_requested()) {
    // A number of its own, so that no late validation can be taken for a test.
    RONDO_CO_TRY(ValidationReport report, co_await Evaluate(state_.round + 1, Split::kTest));
    parts_.observer.OnValidation(report);
    outcome.test = std::move(report.metrics);
  }
  const TimePoint deadline = parts_.clock.Now() + parts_.finish_wait;
  const Status finished = co_await parts_.pool.Finish(broadcast_, deadline, parts_.stop);
  if (!finished.has_value()) {
    outcome.finish_error = finished.error();
  }
  co_return Ok();
}

}  // namespace rondo::coordinator
