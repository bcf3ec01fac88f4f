#include "coordinator/remote_clients_state.h"

#include <algorithm>
#include <iterator>
#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>

#include "common/core/check.h"
#include "common/crypto/roster.h"
#include "common/io/vectors.h"
#include "coordinator/checkpoint_sink.h"

namespace rondo::coordinator {
namespace {

/// Whether the peer was turned away, and did not only leave.
bool IsRefusal(ErrorCode code, bool was_admitted) {
  switch (code) {
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kCorrupt:
      return true;
    case ErrorCode::kFailedPrecondition:
    case ErrorCode::kUnsupported:
      return !was_admitted;
    default:
      return false;
  }
}

TimePoint Now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

void RemoteClients::State::Attach(std::shared_ptr<Channel> channel) {
  if (stopped_) {
    channel->Close();
    return;
  }
  MakeRoom(channel->peer());
  const ClientSession::Options options{.contribution_cap = options_.contribution_cap,
                                       .hello_timeout = options_.hello_timeout,
                                       .rules = options_.rules};
  auto session = std::make_shared<ClientSession>(executor_, std::move(channel), *this, options);
  sessions_.push_back(session);
  auto on_end = [session](std::exception_ptr fault) {
    if (fault) {
      session->End(Error{ErrorCode::kInternal, "the session failed with an exception"});
    }
  };
  boost::asio::co_spawn(executor_, RunSession(shared_from_this(), session), std::move(on_end));
}

Task<void> RemoteClients::State::RunSession(std::shared_ptr<State> self,
                                            std::shared_ptr<ClientSession> session) {
  co_await ClientSession::Run(session);
  self->change_.cancel();
}

void RemoteClients::State::Recheck() {
  const auto sessions = sessions_;
  for (const auto& session : sessions) {
    if (const Status allowed = Check(session->channel()); !allowed) {
      session->End(allowed.error());
    }
  }
}

void RemoteClients::State::SetRoster(std::string text) {
  options_.roster = std::move(text);
  ReadMembers();
  for (const auto& [id, session] : ready_) {
    session->Queue(wire::MemberRoster{.text = options_.roster});
  }
  change_.cancel();
}

void RemoteClients::State::ReadMembers() {
  members_.clear();
  // Whoever set it looked at the signature.
  if (const auto roster = ParseSignedRoster(options_.roster)) {
    for (const RosterEntry& entry : roster->roster.entries) {
      members_.insert(entry.id);
    }
  }
}

Status RemoteClients::State::Check(const Channel& channel) {
  return options_.check(channel);
}

void RemoteClients::State::Stop() {
  stopped_ = true;
  const auto sessions = sessions_;
  for (const auto& session : sessions) {
    session->End(Error{ErrorCode::kCancelled, "the coordinator stops"});
  }
  change_.cancel();
}

void RemoteClients::State::NoteDropped(const std::vector<std::pair<ClientId, Error>>& dropped) {
  for (const auto& [id, why] : dropped) {
    RemoteClientStatus& status = known_[id];
    status.id = id;
    ++status.drops;
    status.last_error = why.message;
  }
}

Result<wire::Welcome> RemoteClients::State::Admit(const ClientId& client,
                                                  const wire::Hello& hello) {
  const wire::Welcome& ours = options_.welcome;
  if (hello.protocol_version != wire::kProtocolVersion) {
    return Fail(ErrorCode::kUnsupported,
                "protocol version " + std::to_string(hello.protocol_version)
                    + ", this coordinator speaks " + std::to_string(wire::kProtocolVersion)
                    + "; install the same release on both sides");
  }
  if (hello.catalogue_sha256 != ours.catalogue_sha256) {
    return Fail(ErrorCode::kFailedPrecondition,
                "catalogue differs: yours has SHA-256 " + hello.catalogue_sha256
                    + ", the federation's " + ours.catalogue_sha256
                    + "; copy the federation's catalogue.tsv");
  }
  if (stopped_) {
    return Fail(ErrorCode::kUnavailable, "the coordinator stops");
  }
  Log(client,
      spdlog::level::info,
      std::string(hello.only_looks ? "looks whether it is welcome" : "joined") + " (software "
          + hello.software_version + ")");
  return ours;
}

std::size_t RemoteClients::State::population() const {
  return static_cast<std::size_t>(
      std::ssize(known_)
      + std::count_if(results_.begin(), results_.end(), [this](const auto& result) {
          return !known_.contains(result.first);
        }));
}

void RemoteClients::State::OnReady(const std::shared_ptr<ClientSession>& session) {
  const ClientId& id = session->client();
  if (const auto old = ready_.find(id); old != ready_.end()) {
    const auto replaced = old->second;
    replaced->GiveWay();
  }
  ready_[id] = session;
  known_[id].id = id;
  if (!options_.roster.empty()) {
    session->Queue(wire::MemberRoster{.text = options_.roster});
  }
  // It may have been away when the result was announced; to hear it twice does no harm.
  if (const auto result = results_.find(id); result != results_.end()) {
    session->Queue(result->second);
  }
  if (finishing_) {
    TellFinish(*session);
  }
  change_.cancel();
}

void RemoteClients::State::OnContribution(ClientSession& session,
                                          RoundId round,
                                          rondo::Bytes payload) {
  ++known_[session.client()].contributions;
  Emit(MessageEvent{.client = session.client(), .round = round, .payload = std::move(payload)});
}

void RemoteClients::State::OnAggregation(ClientSession& session,
                                         RoundId round,
                                         rondo::Bytes payload) {
  Emit(MessageEvent{.client = session.client(), .round = round, .payload = std::move(payload)});
}

void RemoteClients::State::OnDecline(ClientSession& session, RoundId round, std::string reason) {
  Emit(DropEvent{
      .client = session.client(),
      .round = round,
      .why = Error{ErrorCode::kFailedPrecondition, "the client declined: " + std::move(reason)}});
}

void RemoteClients::State::OnGoodbye(ClientSession& session, const wire::Goodbye& goodbye) {
  if (finishing_ && goodbye.model_stored) {
    confirmed_.insert(session.client());
  }
}

void RemoteClients::State::OnEnd(ClientSession& session, const Error& why) {
  const ClientId& id = session.client();
  const auto mine = ready_.find(id);
  const bool was_ready = mine != ready_.end() && mine->second.get() == &session;
  if (IsRefusal(why.code, was_ready)) {
    options_.refused(id, why);
  }
  if (was_ready) {
    RemoteClientStatus& status = known_[id];
    status.bytes_up += session.channel().bytes_received();
    status.bytes_down += session.channel().bytes_sent();
    status.ignored += session.ignored();
    const bool in_order = confirmed_.contains(id) || why.code == ErrorCode::kCancelled;
    if (!in_order) {
      status.last_error = why.message;
      Log(id, spdlog::level::warn, "left: " + why.message);
    }
    if (session.assignment()) {
      Emit(DropEvent{.client = id, .round = session.assignment()->round, .why = why});
    }
    ready_.erase(mine);
  } else if (!session.visiting()) {
    ++refused;
    Log(id, spdlog::level::warn, "was not admitted: " + why.message);
  }
  std::erase(sessions_, session.shared_from_this());
  change_.cancel();
}

void RemoteClients::State::Emit(PoolEvent event) {
  events_.push_back(std::move(event));
  change_.cancel();
}

std::vector<ClientId> RemoteClients::State::Available() const {
  std::vector<ClientId> ids;
  ids.reserve(ready_.size());
  for (const auto& [id, session] : ready_) {
    if (!options_.masked || members_.contains(id)) {
      ids.push_back(id);
    }
  }
  return ids;
}

Task<void> RemoteClients::State::Changed(TimePoint deadline) {
  change_.expires_at(deadline);
  co_await change_.async_wait(kAwait);
}

Task<Status> RemoteClients::State::WaitFor(std::size_t count, TimePoint deadline) {
  while (Available().size() < count) {
    if (stopped_) {
      co_return Fail(ErrorCode::kCancelled, "the coordinator stops");
    }
    if (Now() >= deadline) {
      co_return Fail(ErrorCode::kTimeout,
                     std::to_string(Available().size()) + " of " + std::to_string(count)
                         + " clients are connected"
                         + (options_.masked ? " and named by the roster" : ""));
    }
    co_await Changed(deadline);
  }
  co_return Ok();
}

const EncodedModel& RemoteClients::State::Encode(const Broadcast& broadcast) {
  if (!model_of_.empty() && model_of_ == broadcast.sha256) {
    return model_;
  }
  auto file = EncodeBroadcast(broadcast);
  RONDO_CHECK(file.has_value()) << "a layout's names and shapes were checked when it was made";
  model_ = EncodedModel{.sha256 = broadcast.sha256, .frames = {}};
  for (rondo::Bytes& frame : wire::ModelFrames(file.value(), model_.sha256)) {
    model_.frames.push_back(std::make_shared<const rondo::Bytes>(std::move(frame)));
  }
  model_of_ = broadcast.sha256;
  return model_;
}

void RemoteClients::State::Dispatch(const std::vector<ClientId>& clients,
                                    const Offer& offer,
                                    const Broadcast& broadcast) {
  const EncodedModel& model = Encode(broadcast);
  Offer named = offer;
  named.model_sha256 = model.sha256;
  // What is left of an earlier round has been decided without it.
  events_.clear();
  for (const ClientId& id : clients) {
    (offer.kind == OfferKind::kTrain ? invited_ : evaluating_).insert(id);
    const auto found = ready_.find(id);
    if (found == ready_.end()) {
      Emit(DropEvent{.client = id,
                     .round = offer.round,
                     .why = Error{ErrorCode::kUnavailable, "the client is not connected"}});
      continue;
    }
    found->second->QueueModel(model);
    found->second->Assign(named);
  }
}

void RemoteClients::State::Send(const ClientId& client, rondo::Bytes payload) {
  const auto found = ready_.find(client);
  if (found == ready_.end()) {
    return;  // Its DropEvent is on the way.
  }
  const auto& assignment = found->second->assignment();
  found->second->Queue(wire::Aggregation{.round = assignment ? assignment->round : 0,
                                         .payload = std::move(payload)});
}

Task<Result<PoolEvent>> RemoteClients::State::Next(TimePoint deadline) {
  while (events_.empty()) {
    if (stopped_) {
      co_return Fail(ErrorCode::kCancelled, "the coordinator stops");
    }
    if (Now() >= deadline) {
      co_return PoolEvent(DeadlineEvent{});
    }
    co_await Changed(deadline);
  }
  PoolEvent event = std::move(events_.front());
  events_.pop_front();
  co_return event;
}

void RemoteClients::State::Announce(const std::vector<ClientId>& included,
                                    const RoundResult& result) {
  const std::vector<ClientId> everyone(invited_.begin(), invited_.end());
  Settle(everyone, included, result);
}

void RemoteClients::State::Settle(const std::vector<ClientId>& asked,
                                  const std::vector<ClientId>& included,
                                  const RoundResult& result) {
  const std::set<ClientId> in(included.begin(), included.end());
  // An evaluation leaves nothing pending at a client, so its end is not announced.
  for (const ClientId& id : evaluating_) {
    if (const auto found = ready_.find(id); found != ready_.end()) {
      found->second->Release();
    }
    CountMasked(id, in.contains(id));
  }
  evaluating_.clear();
  for (const ClientId& id : asked) {
    RoundResult own = result;
    own.included = in.contains(id) && !result.is_void;
    CountMasked(id, in.contains(id));
    if (const auto found = ready_.find(id); found != ready_.end()) {
      found->second->Release();
      found->second->Queue(own);
    }
    KeepResult(results_, id, own);
    invited_.erase(id);
  }
}

/// Only the session of the round sees when a masked upload is whole.
void RemoteClients::State::CountMasked(const ClientId& id, bool contributed) {
  if (options_.masked && contributed) {
    ++known_[id].contributions;
  }
}

}  // namespace rondo::coordinator
