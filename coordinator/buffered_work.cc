#include "coordinator/buffered_work.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "common/core/check.h"
#include "common/federated/update_sum.h"

namespace rondo::coordinator {

std::uint64_t DiscountLevel(std::uint64_t staleness, double exponent) {
  const double discount = std::pow(1.0 + static_cast<double>(staleness), -exponent);
  return static_cast<std::uint64_t>(std::llround(discount * static_cast<double>(kDiscountLevels)));
}

void Discount(UpdateSum& sum, std::uint64_t level) {
  for (GridBlock& block : sum.blocks) {
    const std::uint64_t factor = block.name == kDeltaBlock ? level : kDiscountLevels;
    const std::uint64_t mask = block.grid.mask();
    for (std::int64_t& value : block.values) {
      // Unsigned, so that numbers on a ring wrap; the exact grid has room for the factor.
      value = static_cast<std::int64_t>((static_cast<std::uint64_t>(value) * factor) & mask);
    }
  }
  sum.weight *= kDiscountLevels;
}

Status CheckBuffered(const Scenario& scenario) {
  const StrategyConfig& config = scenario.strategy;
  if (config.buffer == 0) {
    return Ok();
  }
  if (scenario.privacy.mode == "masked") {
    return Fail(
        ErrorCode::kUnsupported,
        "strategy.buffer: masks cancel among clients of one round, but buffered aggregation "
        "mixes rounds; set it to 0, or privacy.mode = \"channel\"");
  }
  if (config.objective == "control_variates" || config.objective == "dynamic") {
    return Fail(ErrorCode::kUnsupported,
                "strategy.buffer: the objective \"" + config.objective
                    + "\" corrects clients by a state of the server that all of a round share, but "
                      "buffered aggregation mixes rounds; set it to 0, or use the objective "
                      "\"plain\", \"proximal\" or \"normalised\"");
  }
  if (config.over_selection > 1.0) {
    return Fail(ErrorCode::kInvalidArgument,
                "strategy.over_selection: with strategy.buffer no round waits for its slowest "
                "clients, so nobody is invited in excess; set it to 1");
  }
  if (config.quorum > config.buffer) {
    return Fail(ErrorCode::kInvalidArgument,
                "strategy.quorum is " + std::to_string(config.quorum)
                    + ", but a round of strategy.buffer = " + std::to_string(config.buffer)
                    + " never has so many updates; lower it");
  }
  return Ok();
}

void BufferedWork::Begin(const std::vector<ClientId>& clients,
                         ContributionSpec spec,
                         TimePoint deadline) {
  const auto shared = std::make_shared<const ContributionSpec>(std::move(spec));
  for (const ClientId& client : clients) {
    at_work_[client] = {.spec = shared, .deadline = deadline};
  }
}

std::vector<ClientId> BufferedWork::Unfinished() const {
  std::vector<ClientId> clients;
  for (const auto& [client, work] : at_work_) {
    clients.push_back(client);
  }
  for (const Answer& answer : answers_) {
    clients.insert(clients.end(), answer.clients.begin(), answer.clients.end());
  }
  std::sort(clients.begin(), clients.end());
  return clients;
}

TimePoint BufferedWork::NextDeadline() const {
  TimePoint next = TimePoint::max();
  for (const auto& [client, work] : at_work_) {
    next = std::min(next, work.deadline);
  }
  return next;
}

std::optional<RoundId> BufferedWork::OfferOf(const ClientId& client) const {
  const auto found = at_work_.find(client);
  return found == at_work_.end() ? std::nullopt : std::optional(found->second.spec->round);
}

Status BufferedWork::Receive(const ClientId& client, ByteView payload, TimePoint now) {
  const auto found = at_work_.find(client);
  if (found == at_work_.end()) {
    return Ok();
  }
  const ContributionSpec& spec = *found->second.spec;
  const RoundId offered = spec.round;
  auto session = new_session_(spec, {client});
  RONDO_TRY_STATUS(session->Start(now));
  RONDO_TRY_STATUS(session->Receive(client, payload, now));
  return Settle(std::move(session), {client}, offered);
}

Status BufferedWork::AddPack(const std::vector<ClientId>& clients, UpdateSum sum, double loss) {
  const auto first = clients.empty() ? at_work_.end() : at_work_.find(clients.front());
  if (first == at_work_.end()) {
    return Ok();
  }
  const std::shared_ptr<const ContributionSpec> spec = first->second.spec;
  const bool same = std::all_of(clients.begin(), clients.end(), [&](const ClientId& client) {
    return OfferOf(client) == spec->round;
  });
  if (!same) {
    return Ok();
  }
  auto session = new_session_(*spec, clients);
  RONDO_TRY_STATUS(session->AddPack(clients, std::move(sum), loss));
  return Settle(std::move(session), clients, spec->round);
}

/// Takes over what a session of its own made of an answer.
Status BufferedWork::Settle(std::unique_ptr<AggregationSession> session,
                            const std::vector<ClientId>& clients,
                            RoundId offered) {
  for (const auto& [client, why] : session->dropped()) {
    Lose(client, why);
  }
  if (session->contributors().empty()) {
    return Ok();
  }
  const double loss = session->mean_loss();
  RONDO_TRY(std::vector<UpdateSum> sums, std::move(*session).Take());
  for (const ClientId& client : clients) {
    at_work_.erase(client);
    heard_.insert(client);
  }
  answers_.push_back(
      {.offered = offered, .clients = clients, .sum = std::move(sums.front()), .loss = loss});
  return Ok();
}

void BufferedWork::Lose(const ClientId& client, const Error& why) {
  if (const auto found = at_work_.find(client); found != at_work_.end()) {
    lost_.push_back({.offered = found->second.spec->round, .client = client, .why = why});
    heard_.insert(client);
    at_work_.erase(found);
  }
}

void BufferedWork::LoseLate(TimePoint now) {
  const Error late{ErrorCode::kTimeout, "no contribution before the deadline of the offer"};
  std::vector<ClientId> clients;
  for (const auto& [client, work] : at_work_) {
    if (now >= work.deadline) {
      clients.push_back(client);
    }
  }
  for (const ClientId& client : clients) {
    Lose(client, late);
  }
}

std::optional<BufferedWork::Answer> BufferedWork::TakeAnswer() {
  if (answers_.empty()) {
    return std::nullopt;
  }
  std::optional<Answer> answer = std::move(answers_.front());
  answers_.pop_front();
  return answer;
}

void BufferedWork::EndRound() {
  heard_.clear();
  for (const Answer& answer : answers_) {
    heard_.insert(answer.clients.begin(), answer.clients.end());
  }
}

Result<Step> BufferedSession::Start(TimePoint /*now*/) {
  UseAnswers();
  return Step{};
}

Result<Step> BufferedSession::Receive(const ClientId& client, ByteView payload, TimePoint now) {
  RONDO_TRY_STATUS(parts_.work.Receive(client, payload, now));
  UseAnswers();
  return Step{};
}

Result<Step> BufferedSession::AddPack(const std::vector<ClientId>& clients,
                                      UpdateSum sum,
                                      double loss) {
  RONDO_TRY_STATUS(parts_.work.AddPack(clients, std::move(sum), loss));
  UseAnswers();
  return Step{};
}

Result<Step> BufferedSession::Tick(TimePoint now) {
  parts_.work.LoseLate(now);
  UseAnswers();
  return Step{};
}

void BufferedSession::Drop(const ClientId& client, const Error& why) {
  parts_.work.Lose(client, why);
  UseAnswers();
}

std::size_t BufferedSession::missing() const {
  const auto buffer = static_cast<std::size_t>(parts_.config.buffer);
  return buffer - std::min(buffer, contributors_.size());
}

void BufferedSession::UseAnswers() {
  for (BufferedWork::Lost& lost : parts_.work.TakeLost()) {
    ended_[lost.offered].asked.push_back(lost.client);
    dropped_.emplace_back(std::move(lost.client), std::move(lost.why));
  }
  while (missing() > 0) {
    std::optional<BufferedWork::Answer> answer = parts_.work.TakeAnswer();
    if (!answer) {
      return;
    }
    Use(*std::move(answer));
  }
}

void BufferedSession::Use(BufferedWork::Answer answer) {
  const std::uint64_t staleness = parts_.round - answer.offered;
  Ended& ended = ended_[answer.offered];
  ended.asked.insert(ended.asked.end(), answer.clients.begin(), answer.clients.end());
  if (staleness > static_cast<std::uint64_t>(parts_.config.max_staleness)) {
    const Error why{ErrorCode::kTimeout,
                    "the update is " + std::to_string(staleness)
                        + " rounds old, strategy.max_staleness is "
                        + std::to_string(parts_.config.max_staleness)};
    for (const ClientId& client : answer.clients) {
      dropped_.emplace_back(client, why);
    }
    stale_ += answer.clients.size();
    return;
  }
  ended.included.insert(ended.included.end(), answer.clients.begin(), answer.clients.end());
  staleness_ += staleness * answer.clients.size();
  Discount(answer.sum, DiscountLevel(staleness, parts_.config.staleness_exponent));
  const ClientId& first = answer.clients.front();
  if (std::isfinite(answer.loss)) {
    losses_[first] = {answer.loss, answer.clients.size()};
  }
  for (const ClientId& client : answer.clients) {
    contributors_.insert(std::upper_bound(contributors_.begin(), contributors_.end(), client),
                         client);
  }
  if (parts_.visibility == Visibility::kSumOnly && !sums_.empty()) {
    const Status added = sums_.begin()->second.Add(answer.sum);
    RONDO_CHECK(added.has_value()) << "sessions compared blocks and grids with equal specs";
  } else {
    sums_.emplace(first, std::move(answer.sum));
  }
}

double BufferedSession::mean_loss() const {
  double sum = 0.0;
  std::size_t clients = 0;
  for (const auto& [client, loss] : losses_) {  // In order of ids, so that arrival changes no bit.
    sum += loss.first * static_cast<double>(loss.second);
    clients += loss.second;
  }
  return clients > 0 ? sum / static_cast<double>(clients)
                     : std::numeric_limits<double>::quiet_NaN();
}

double BufferedSession::mean_staleness() const {
  return contributors_.empty()
             ? 0.0
             : static_cast<double>(staleness_) / static_cast<double>(contributors_.size());
}

Result<std::vector<UpdateSum>> BufferedSession::Take() && {
  std::vector<UpdateSum> sums;
  for (auto& [client, sum] : sums_) {
    sums.push_back(std::move(sum));
  }
  return sums;
}

}  // namespace rondo::coordinator
