#include <algorithm>
#include <cmath>

#include "coordinator/round_loop.h"
#include "coordinator/round_loop_round.h"

/// How a round ends: what is kept, reported and announced.
namespace rondo::coordinator {

Status RoundLoop::EndRound(Round& round, const Status& played) {
  const bool is_void = !played.has_value();
  const std::vector<ClientId> nobody;
  if (is_void && !OnlyVoidsTheRound(played.error().code)) {
    // The round never ended: whoever resumes plays it again.
    parts_.pool.Announce(nobody,
                         {.round = round.id, .is_void = true, .model_sha256 = broadcast_.sha256});
    return played;
  }
  state_.round = round.id;
  saved_ = false;
  Status may_go_on = is_void ? CountVoidRound(round, played.error()) : Ok();
  if (!is_void) {
    state_.void_in_a_row = 0;
    UseModel(state_.model, parts_.strategy.Extra(state_.model, parts_.pool.population()));
  }
  const std::vector<ClientId>& included = is_void ? nobody : round.session->contributors();
  const RoundResult result{
      .round = round.id, .is_void = is_void, .model_sha256 = broadcast_.sha256};
  if (work_ != nullptr) {
    EndBuffered(round, result);
  } else {
    KeepResults(round, included, result);
  }
  // Before the checkpoint: who resumes from it finds the record of every round that it holds.
  Report(round);
  const TimePoint reported = WallTime();
  // Clients keep their state when they hear the result, so it must survive a crash from here on.
  const auto every = static_cast<RoundId>(std::max(scenario_.checkpoint.every, 1));
  if (round.id % every == 0) {
    RONDO_TRY_STATUS(SaveState());
  }
  if (work_ != nullptr) {
    AnnounceBuffered(round, result);
  } else {
    parts_.pool.Announce(included, result);
  }
  unreported_ = WallTime() - reported;
  return may_go_on;
}

void RoundLoop::KeepResults(const Round& round,
                            const std::vector<ClientId>& included,
                            const RoundResult& result) {
  if (!parts_.keep_results) {
    return;
  }
  for (const ClientId& client : round.invited) {
    RoundResult own = result;
    own.included = std::binary_search(included.begin(), included.end(), client);
    KeepResult(state_.results, client, own);
  }
}

Status RoundLoop::CountVoidRound(Round& round, const Error& why) {
  round.report.is_void = true;
  round.report.reason = why;
  ++state_.void_rounds;
  ++state_.void_in_a_row;
  if (state_.void_in_a_row >= std::max(scenario_.strategy.max_void_rounds, 1)) {
    return Fail(why.code,
                std::to_string(state_.void_in_a_row)
                    + " rounds in a row were void; the last one because " + why.message);
  }
  return Ok();
}

void RoundLoop::Report(Round& round) {
  RoundReport& report = round.report;
  report.round = round.id;
  report.invited = round.invited.size();
  report.loss = std::nan("");
  if (round.session != nullptr) {
    report.dropped = round.session->dropped();
    report.loss = round.session->mean_loss();
  }
  ReportPrivacy(round);
  report.seconds = ToSeconds(WallTime() - round.began + unreported_);
  unreported_ = Duration::zero();
  if (parts_.wall_clock != nullptr) {
    report.simulated_seconds = ToSeconds(parts_.clock.Now() - round.started);
    state_.simulated = parts_.clock.Now().time_since_epoch();
  }
  report.bytes_up = parts_.pool.bytes_up() - round.bytes_up;
  report.bytes_down = parts_.pool.bytes_down() - round.bytes_down;
  parts_.observer.OnRound(report);
}

Status RoundLoop::SaveState() {
  state_.optimizer_state = parts_.strategy.optimizer().SaveState();
  state_.optimizer_steps = parts_.strategy.optimizer().steps();
  RONDO_TRY_STATUS(parts_.checkpoints.Save(state_));
  saved_ = true;
  return Ok();
}

}  // namespace rondo::coordinator
