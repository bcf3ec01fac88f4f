#include <algorithm>
#include <limits>
#include <utility>

#include "coordinator/round_loop.h"
#include "coordinator/round_loop_round.h"

/// Buffered rounds: clients are always at work, and a round ends with its K-th answer.
namespace rondo::coordinator {
namespace {

bool Contains(const std::vector<ClientId>& clients, const ClientId& client) {
  return std::find(clients.begin(), clients.end(), client) != clients.end();
}

}  // namespace

/// Opens a round, which may have had answers before it began.
Status RoundLoop::OpenBuffered(Round& round) {
  round.offered = parts_.clock.Now();
  round.deadline = round.offered + Seconds(scenario_.strategy.deadline_s);
  round.session = std::make_unique<BufferedSession>(
      BufferedSession::Parts{.work = *work_,
                             .round = round.id,
                             .config = scenario_.strategy,
                             .visibility = parts_.strategy.visibility()});
  return ApplyStep(round.session->Start(round.offered), round);
}

Task<Status> RoundLoop::CollectBuffered(Round& round) {
  auto& session = static_cast<BufferedSession&>(*round.session);
  // Whatever has arrived at this instant is taken before anybody is invited anew, so that clients
  // without delay start from the model that their answers made.
  bool all_taken = false;
  while (!session.complete()) {
    if (parts_.stop.stop_requested()) {
      co_return Cancelled();
    }
    const TimePoint now = parts_.clock.Now();
    if (now >= round.deadline) {
      break;
    }
    TimePoint until = now;
    if (all_taken) {
      RONDO_CO_TRY_STATUS(ApplyStep(session.Tick(now), round));
      RONDO_CO_TRY_STATUS(Invite(round));
      // Everybody has answered: the round has what it can get.
      if (work_->at_work() == 0 && !parts_.pool.Available().empty()) {
        break;
      }
      until = std::min({round.deadline, work_->NextDeadline(), now + kStopPoll});
    }
    parts_.pool.Expect(session.missing(), TimePoint::max());
    Result<PoolEvent> event = co_await parts_.pool.Next(until);
    RONDO_CO_TRY(PoolEvent happened, std::move(event));
    all_taken = std::holds_alternative<DeadlineEvent>(happened);
    RONDO_CO_TRY_STATUS(TakeAnswer(std::move(happened)));
    RONDO_CO_TRY_STATUS(ApplyStep(session.Tick(now), round));
  }
  round.report.stale = session.stale();
  round.report.staleness = session.mean_staleness();
  co_return Ok();
}

/// Fills the cohort up with clients that start from the newest model.
Status RoundLoop::Invite(Round& round) {
  const StrategyConfig& config = scenario_.strategy;
  const std::size_t cohort = config.cohort > 0 ? static_cast<std::size_t>(config.cohort)
                                               : std::numeric_limits<std::size_t>::max();
  const std::size_t room = cohort - std::min(cohort, work_->at_work());
  std::vector<ClientId> free = parts_.pool.Available();
  std::erase_if(free, [this](const ClientId& client) { return !work_->MayInvite(client); });
  if (room == 0 || free.empty()) {
    return Ok();
  }
  // After a restart, those whose work was lost come first.
  std::vector<ClientId> chosen;
  for (const ClientId& client : std::exchange(returning_, {})) {
    if (chosen.size() < room && std::erase(free, client) > 0) {
      chosen.push_back(client);
    }
  }
  const std::vector<ClientId> drawn = parts_.sampler.Sample(
      std::move(free), {.round = round.id, .number = round.draws++, .count = room - chosen.size()});
  chosen.insert(chosen.end(), drawn.begin(), drawn.end());
  std::sort(chosen.begin(), chosen.end());

  // Room on the grid for the updates of a buffer, each multiplied by its discount.
  RONDO_TRY(TrainingPlan plan,
            PlanTraining(round.id, kDiscountLevels * static_cast<std::uint64_t>(config.buffer)));
  work_->Begin(chosen, std::move(plan.spec), parts_.clock.Now() + Seconds(config.deadline_s));
  round.invited.insert(round.invited.end(), chosen.begin(), chosen.end());
  parts_.pool.Dispatch(chosen, plan.offer, broadcast_);
  return Ok();
}

/// Hands an event to those at work; what answers an older offer of its client is ignored.
Status RoundLoop::TakeAnswer(PoolEvent event) {
  if (auto* message = std::get_if<MessageEvent>(&event)) {
    return work_->OfferOf(message->client) == message->round
               ? work_->Receive(message->client, message->payload, parts_.clock.Now())
               : Ok();
  }
  if (auto* pack = std::get_if<PackEvent>(&event)) {
    const bool expected =
        !pack->clients.empty() && work_->OfferOf(pack->clients.front()) == pack->round;
    return expected ? work_->AddPack(pack->clients, std::move(pack->sum), pack->loss) : Ok();
  }
  if (auto* drop = std::get_if<DropEvent>(&event)) {
    if (work_->OfferOf(drop->client) == drop->round) {
      work_->Lose(drop->client, drop->why);
    }
  }
  return Ok();
}

/// Before the checkpoint: what it must know of clients.
void RoundLoop::EndBuffered(Round& round, const RoundResult& result) {
  work_->EndRound();
  state_.at_work = work_->Unfinished();
  round.report.weight /= kDiscountLevels;
  if (!parts_.keep_results || round.session == nullptr) {
    return;
  }
  const auto& session = static_cast<const BufferedSession&>(*round.session);
  for (const auto& [offered, ended] : session.ended()) {
    for (const ClientId& client : ended.asked) {
      RoundResult own = result;
      own.round = offered;
      own.included = !result.is_void && Contains(ended.included, client);
      KeepResult(state_.results, client, own);
    }
  }
}

/// Tells those whose offers have ended, under the rounds of their offers; others stay at work.
void RoundLoop::AnnounceBuffered(const Round& round, const RoundResult& result) {
  if (round.session == nullptr) {
    return;
  }
  const auto& session = static_cast<const BufferedSession&>(*round.session);
  for (const auto& [offered, ended] : session.ended()) {
    RoundResult own = result;
    own.round = offered;
    const std::vector<ClientId> nobody;
    parts_.pool.Settle(ended.asked, result.is_void ? nobody : ended.included, own);
  }
}

/// An evaluation needs its clients: those at work finish first, and the next rounds use their
/// answers. After the last round nobody needs them any more.
Task<Status> RoundLoop::RestBeforeEvaluation() {
  if (work_ == nullptr || parts_.pool.evaluates_beside_training()) {
    co_return Ok();
  }
  if (state_.round >= static_cast<RoundId>(std::max(scenario_.strategy.rounds, 0))) {
    ReleaseWork();
  }
  while (work_->at_work() > 0) {
    if (parts_.stop.stop_requested()) {
      co_return Cancelled();
    }
    const TimePoint now = parts_.clock.Now();
    const TimePoint until = std::min(work_->NextDeadline(), now + kStopPoll);
    parts_.pool.Expect(work_->at_work(), TimePoint::max());
    Result<PoolEvent> event = co_await parts_.pool.Next(until);
    RONDO_CO_TRY(PoolEvent happened, std::move(event));
    RONDO_CO_TRY_STATUS(TakeAnswer(std::move(happened)));
    work_->LoseLate(parts_.clock.Now());
  }
  co_return Ok();
}

/// Ends all work that no round will use.
void RoundLoop::ReleaseWork() {
  if (work_ == nullptr) {
    return;
  }
  const RoundResult result{.round = state_.round, .model_sha256 = broadcast_.sha256};
  for (const ClientId& client : work_->Unfinished()) {
    if (parts_.keep_results) {
      KeepResult(state_.results, client, result);
    }
    saved_ = false;
  }
  state_.at_work.clear();
  parts_.pool.Announce({}, result);
  work_ = std::make_unique<BufferedWork>(parts_.new_session);
}

}  // namespace rondo::coordinator
