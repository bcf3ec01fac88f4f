#include "common/secagg/server.h"

#include <algorithm>
#include <utility>

#include "common/core/check.h"

namespace rondo::secagg {

Schedule Schedule::Of(TimePoint start, Duration whole) {
  Schedule schedule{};
  for (std::size_t step = 0; step < schedule.ends.size(); ++step) {
    schedule.ends[step] = start + whole * static_cast<int>(6 + step) / 10;
  }
  return schedule;
}

Server::Server(Parts parts)
    : parts_(std::move(parts)),
      session_(SessionId(parts_.terms)),
      waiting_(parts_.invited.begin(), parts_.invited.end()) {}

ServerStep Server::Start() {
  ServerStep step;
  for (const ClientId& client : parts_.invited) {
    if (parts_.roster.Find(client) == nullptr) {
      Leave(client,
            {ErrorCode::kUnauthenticated,
             "not in the roster; have the governance key sign one that has it"});
    }
  }
  step.wake = parts_.schedule.ends.front();
  return step;
}

ServerStep Server::Receive(const ClientId& client, const ClientMessage& message, TimePoint now) {
  const Digest& session =
      std::visit([](const auto& any) -> const Digest& { return any.session; }, message);
  // Whoever is late, or speaks of another session, is not listened to; nothing depends on it.
  if (!complete() && waiting_.contains(client) && session == session_) {
    if (Status handled = Handle(client, message); !handled) {
      Leave(client, std::move(handled).error());
    }
  }
  return Advance(now);
}

ServerStep Server::Tick(TimePoint now) {
  return Advance(now);
}

ServerStep Server::Drop(const ClientId& client, const Error& why, TimePoint now) {
  Leave(client, why);
  return Advance(now);
}

Status Server::Handle(const ClientId& client, const ClientMessage& message) {
  if (const auto* keys = std::get_if<AdvertiseKeys>(&message);
      keys != nullptr && phase_ == Phase::kAdvertise) {
    return OnKeys(client, *keys);
  }
  if (!directory_) {
    return Fail(ErrorCode::kCorrupt, "secure aggregation: a message before the client's keys");
  }
  const Place from = directory_->Find(client);
  if (const auto* shares = std::get_if<ShareKeys>(&message);
      shares != nullptr && phase_ == Phase::kShare) {
    return OnShares(from, *shares);
  }
  if (const auto* chunk = std::get_if<MaskedChunk>(&message);
      chunk != nullptr && phase_ == Phase::kMask) {
    return OnChunk(from, *chunk);
  }
  if (const auto* signature = std::get_if<ConsistencySignature>(&message);
      signature != nullptr && phase_ == Phase::kAgree) {
    return OnSignature(from, *signature);
  }
  if (const auto* opened = std::get_if<UnmaskShares>(&message);
      opened != nullptr && phase_ == Phase::kUnmask) {
    return OnUnmask(from, *opened);
  }
  return Fail(ErrorCode::kCorrupt, "secure aggregation: a message out of order");
}

ServerStep Server::Advance(TimePoint now) {
  ServerStep step;
  while (!complete()
         && (waiting_.empty() || now >= parts_.schedule.ends[static_cast<std::size_t>(phase_)])) {
    const std::set<ClientId> late = std::exchange(waiting_, {});
    for (const ClientId& client : late) {
      Leave(client, {ErrorCode::kTimeout, "no answer before the deadline of the step"});
    }
    ClosePhase(step);
  }
  if (!complete()) {
    step.wake = parts_.schedule.ends[static_cast<std::size_t>(phase_)];
  }
  return step;
}

void Server::ClosePhase(ServerStep& step) {
  switch (phase_) {
    case Phase::kAdvertise:
      return CloseAdvertise(step);
    case Phase::kShare:
      return CloseShare(step);
    case Phase::kMask:
      return CloseMask(step);
    case Phase::kAgree:
      return CloseAgree(step);
    case Phase::kUnmask:
      return Unmask();
  }
}

void Server::Expect(const std::vector<Place>& places) {
  for (const Place place : places) {
    const ClientId& client = (*directory_)[place].id;
    const bool gone = std::any_of(dropped_.begin(), dropped_.end(), [&](const auto& dropped) {
      return dropped.first == client;
    });
    if (!gone) {
      waiting_.insert(client);
    }
  }
}

bool Server::IsEnough(std::size_t clients, const char* what) {
  const std::size_t least =
      directory_ ? directory_->LeastSummed(parts_.terms.min_clients) : parts_.terms.min_clients;
  if (clients < least) {
    GiveUp({ErrorCode::kTooFewClients,
            std::to_string(clients) + " of " + std::to_string(parts_.invited.size()) + " clients "
                + what + ", secure aggregation needs " + std::to_string(least)});
  }
  return clients >= least;
}

void Server::GiveUp(Error why) {
  outcome_ = Fail(std::move(why));
  waiting_.clear();
  uploads_.clear();
  sum_.clear();
}

void Server::Leave(const ClientId& client, Error why) {
  waiting_.erase(client);
  if (directory_) {
    uploads_.erase(directory_->Find(client));
  }
  const bool known = std::any_of(dropped_.begin(), dropped_.end(), [&](const auto& dropped) {
    return dropped.first == client;
  });
  if (!known) {
    dropped_.emplace_back(client, std::move(why));
  }
}

std::vector<ClientId> Server::contributors() const {
  std::vector<ClientId> ids;
  if (!outcome_ || !outcome_->has_value()) {
    return ids;
  }
  ids.reserve(survivors_.size());
  for (const Place place : survivors_) {
    ids.push_back((*directory_)[place].id);
  }
  return ids;
}

Result<Bytes> Server::Take() && {
  if (!outcome_) {
    return Fail(ErrorCode::kFailedPrecondition, "the session is not over");
  }
  return std::move(*outcome_);
}

}  // namespace rondo::secagg
