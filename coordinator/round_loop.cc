#include "coordinator/round_loop.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/core/check.h"
#include "common/federated/local_round.h"
#include "common/federated/vector_math.h"
#include "common/io/vectors.h"
#include "coordinator/round_loop_round.h"

namespace rondo::coordinator {
namespace {}  // namespace

RoundLoop::RoundLoop(Parts parts, Scenario scenario, RunState start)
    : parts_(std::move(parts)),
      scenario_(std::move(scenario)),
      state_(std::move(start)),
      saved_(state_.round > 0) {}

Task<Result<RunOutcome>> RoundLoop::Run() {
  RONDO_CO_TRY_STATUS(Prepare());
  const Status ran = co_await RunRounds();
  const bool disk_works = ran.has_value() || ran.error().code != ErrorCode::kIo;
  if (!saved_ && disk_works) {
    const Status saved = SaveState();
    if (!saved.has_value() && ran.has_value()) {
      co_return Fail(saved.error());
    }
  }
  if (!ran.has_value()) {
    co_return Fail(ran.error());
  }
  RunOutcome outcome;
  RONDO_CO_TRY_STATUS(co_await FinishRun(outcome));
  outcome.budget_spent = OutOfBudget();
  outcome.state = std::move(state_);
  co_return outcome;
}

Status RoundLoop::Prepare() {
  if (state_.model.layout == nullptr || state_.model.values.size() != state_.model.layout->size()) {
    return Fail(ErrorCode::kInvalidArgument, "the run starts without a whole model");
  }
  RONDO_TRY_STATUS(
      parts_.strategy.optimizer().LoadState(state_.optimizer_state, state_.optimizer_steps));
  // Who starts a run again after it gave up means to give it new chances.
  if (state_.void_in_a_row >= scenario_.strategy.max_void_rounds) {
    state_.void_in_a_row = 0;
  }
  UseModel(state_.model, parts_.strategy.Extra(state_.model, parts_.pool.population()));
  RONDO_TRY_STATUS(PreparePrivacy());
  if (scenario_.strategy.buffer > 0) {
    work_ = std::make_unique<BufferedWork>(parts_.new_session);
    returning_ = state_.at_work;
  }
  return Ok();
}

Task<Status> RoundLoop::RunRounds() {
  while (true) {
    if (parts_.stop.stop_requested()) {
      co_return Cancelled();
    }
    // Before the next round and not after the last one, so that a run killed in between catches up.
    if (ValidationDue()) {
      RONDO_CO_TRY_STATUS(co_await RestBeforeEvaluation());
      RONDO_CO_TRY_STATUS(co_await Validate());
    }
    if (OutOfPatience() || AllRoundsDone()) {
      ReleaseWork();
      co_return Ok();
    }
    RONDO_CO_TRY_STATUS(co_await PlayRound());
  }
}

Task<Status> RoundLoop::PlayRound() {
  Round round;
  round.id = state_.round + 1;
  round.started = parts_.clock.Now();
  round.began = WallTime();
  round.bytes_up = parts_.pool.bytes_up();
  round.bytes_down = parts_.pool.bytes_down();

  // 1. Wait for clients and select the cohort. 2. Offer.
  Status played = Ok();
  if (work_ == nullptr || work_->at_work() == 0) {
    played = co_await WaitForQuorum(round);
  }
  if (played.has_value()) {
    played = Open(round);
  }
  // 3. Collect until all have answered, or the deadline.
  if (played.has_value() && work_ != nullptr) {
    played = co_await CollectBuffered(round);
  } else if (played.has_value()) {
    played = co_await Collect(round);
  }
  // 4. Fold and apply the server optimiser.
  if (played.has_value()) {
    played = Fold(round);
  }
  // 5. Report. 6. Checkpoint. 7. Announce.
  co_return EndRound(round, played);
}

Task<Status> RoundLoop::WaitForQuorum(Round& round) {
  const auto needed = static_cast<std::size_t>(std::max(scenario_.strategy.quorum, 1));
  const TimePoint deadline = round.started + Seconds(scenario_.strategy.deadline_s);
  while (true) {
    if (parts_.stop.stop_requested()) {
      co_return Cancelled();
    }
    const TimePoint until = std::min(deadline, parts_.clock.Now() + kStopPoll);
    const Status waited = co_await parts_.pool.WaitFor(needed, until);
    if (waited.has_value()) {
      co_return Ok();
    }
    const ErrorCode code = waited.error().code;
    if (code != ErrorCode::kTimeout && code != ErrorCode::kTooFewClients) {
      co_return Fail(waited.error());
    }
    // A pool that gives up before the time knows that nobody else will come.
    const TimePoint now = parts_.clock.Now();
    if (now >= deadline || now < until || code == ErrorCode::kTooFewClients) {
      co_return Fail(ErrorCode::kTooFewClients,
                     std::to_string(parts_.pool.Available().size())
                         + " clients are available, the quorum is " + std::to_string(needed));
    }
  }
}

Status RoundLoop::Open(Round& round) {
  return work_ != nullptr ? OpenBuffered(round) : OfferTraining(round);
}

Status RoundLoop::OfferTraining(Round& round) {
  const StrategyConfig& config = scenario_.strategy;
  SelectCohort(round);
  if (round.invited.empty() && !MayBeEmpty()) {
    return Fail(ErrorCode::kTooFewClients, "no client is available");
  }
  const std::size_t updates = std::max<std::size_t>(round.invited.size(), 1);
  RONDO_TRY(TrainingPlan plan, PlanTraining(round.id, updates));
  round.task = plan.offer.train;
  round.session = parts_.new_session(std::move(plan.spec), round.invited);
  round.enough = parts_.sampler.enough();
  round.offered = parts_.clock.Now();
  round.deadline = round.offered + Seconds(config.deadline_s);
  RONDO_TRY_STATUS(ApplyStep(round.session->Start(round.offered), round));
  if (privacy_ != nullptr) {
    RONDO_TRY_STATUS(privacy_->Offered(round.rate, state_));
  }
  if (!round.invited.empty()) {
    parts_.pool.Dispatch(round.invited, plan.offer, broadcast_);
  }
  return Ok();
}

Result<RoundLoop::TrainingPlan> RoundLoop::PlanTraining(RoundId id, std::uint64_t updates) const {
  const StrategyConfig& config = scenario_.strategy;
  const std::uint64_t max_weight = config.weighting == "uniform" ? 1 : config.max_weight;
  const std::uint64_t room = privacy_ != nullptr ? privacy_->GridRoom(state_, updates) : 0;
  RONDO_TRY(const GridSpec grid, MakeGrid(scenario_.privacy, max_weight, updates + room));
  TrainingPlan plan;
  ContributionSpec& spec = plan.spec;
  spec = {.kind = OfferKind::kTrain,
          .round = id,
          .model_sha256 = broadcast_.sha256,
          .max_weight = max_weight};
  plan.offer = {.kind = OfferKind::kTrain, .round = id, .model_sha256 = broadcast_.sha256};
  plan.offer.train = parts_.strategy.PlanTraining(id, grid);
  if (privacy_ != nullptr) {
    privacy_->Plan(plan.offer.train, SharedLayout(state_.model.layout)->size(), state_);
    spec.noise_stddev = plan.offer.train.noise_stddev;
  }
  for (BlockShape& block : BlocksOfTask(plan.offer.train, state_.model.layout)) {
    BlockSpec& expected = spec.blocks.emplace_back();
    expected = {.name = std::move(block.name),
                .layout = std::move(block.layout),
                .grid = grid,
                .scaling = block.scaling};
    if (block.packed) {
      expected.packing = plan.offer.train.compression;
    }
  }
  spec.visibility = parts_.strategy.visibility();
  return plan;
}

Task<Status> RoundLoop::Collect(Round& round) {
  AggregationSession& session = *round.session;
  while (!session.complete() && session.contributors().size() < round.enough) {
    if (parts_.stop.stop_requested()) {
      co_return Cancelled();
    }
    const TimePoint now = parts_.clock.Now();
    if (now >= round.deadline) {
      RONDO_CO_TRY_STATUS(ApplyStep(session.Tick(now), round));  // Whoever is late is left out.
      break;
    }
    const TimePoint until = std::min({round.deadline, round.wake, now + kStopPoll});
    parts_.pool.Expect(round.enough - session.contributors().size(), round.deadline);
    Result<PoolEvent> event = co_await parts_.pool.Next(until);
    RONDO_CO_TRY(PoolEvent happened, std::move(event));
    RONDO_CO_TRY_STATUS(HandleEvent(std::move(happened), round));
  }
  if (parts_.clock.Now() >= round.deadline) {
    const Error late{ErrorCode::kTimeout, "no contribution before the deadline of the round"};
    for (const ClientId& client : round.invited) {
      if (!std::binary_search(
              session.contributors().begin(), session.contributors().end(), client)) {
        session.Drop(client, late);
      }
    }
  }
  co_return Ok();
}

Status RoundLoop::HandleEvent(PoolEvent event, Round& round) {
  const TimePoint now = parts_.clock.Now();
  if (auto* message = std::get_if<MessageEvent>(&event)) {
    if (message->round == round.id) {
      RONDO_TRY_STATUS(
          ApplyStep(round.session->Receive(message->client, message->payload, now), round));
    }
  } else if (auto* pack = std::get_if<PackEvent>(&event)) {
    if (pack->round == round.id) {
      RONDO_TRY_STATUS(ApplyStep(
          round.session->AddPack(pack->clients, std::move(pack->sum), pack->loss), round));
    }
  } else if (auto* drop = std::get_if<DropEvent>(&event)) {
    if (drop->round == round.id) {
      round.session->Drop(drop->client, drop->why);
      round.wake = now;  // It may be the one that the others waited for.
    }
  }
  if (now >= round.wake) {
    round.wake = TimePoint::max();
    RONDO_TRY_STATUS(ApplyStep(round.session->Tick(now), round));
  }
  return Ok();
}

Status RoundLoop::ApplyStep(Result<Step> step, Round& round) {
  RONDO_TRY(Step todo, std::move(step));
  if (!todo.persist.empty() && !parts_.keep_protocol) {
    return Fail(ErrorCode::kUnsupported,
                "the aggregation protocol has state of its own to keep, which "
                "this coordinator cannot");
  }
  if (!todo.persist.empty()) {
    RONDO_TRY_STATUS(parts_.keep_protocol(todo.persist));
  }
  for (Outgoing& outgoing : todo.send) {
    parts_.pool.Send(outgoing.client, std::move(outgoing.payload));
  }
  if (todo.wake) {
    round.wake = *todo.wake;
  }
  return Ok();
}

Status RoundLoop::Fold(Round& round) {
  RoundReport& report = round.report;
  report.contributors = round.session->contributors().size();
  const auto quorum = static_cast<std::size_t>(std::max(scenario_.strategy.quorum, 1));
  if (report.contributors < quorum && !MayBeEmpty()) {
    return Fail(ErrorCode::kTooFewClients,
                std::to_string(report.contributors) + " of " + std::to_string(round.invited.size())
                    + " clients contributed, the quorum is " + std::to_string(quorum));
  }
  RONDO_TRY(std::vector<UpdateSum> sums, std::move(*round.session).Take());
  if (privacy_ != nullptr) {
    RONDO_TRY(const UpdateSum noisy, privacy_->Release(round.task, sums, round.rate, state_));
    sums.assign(1, noisy);
  }
  const std::unique_ptr<Aggregator> aggregator = parts_.strategy.NewAggregator(
      {.round = round.id, .model = state_.model.layout, .population = parts_.pool.population()});
  for (UpdateSum& sum : sums) {
    report.weight += sum.weight;
    report.saturated += sum.saturated;
    RONDO_TRY_STATUS(aggregator->Accumulate(std::move(sum)));
  }
  RONDO_TRY(const ParameterVector mean, std::move(*aggregator).Report());
  report.update_norm = std::sqrt(SquaredSum(mean.values));
  if (!std::isfinite(report.update_norm)) {
    return Fail(ErrorCode::kDiverged, "the mean of the updates holds NaN or infinity");
  }
  return parts_.strategy.optimizer().Step(state_.model, mean);
}

TimePoint RoundLoop::WallTime() const {
  return parts_.wall_clock != nullptr ? parts_.wall_clock->Now() : parts_.clock.Now();
}

void RoundLoop::UseModel(const ParameterVector& model, std::vector<NamedVector> extra) {
  broadcast_ = {.model = model, .extra = std::move(extra), .sha256 = ""};
  auto sha256 = BroadcastSha256(broadcast_);
  RONDO_CHECK(sha256.has_value()) << "a layout's names and shapes were checked when it was made";
  broadcast_.sha256 = std::move(sha256).value();
}

}  // namespace rondo::coordinator
