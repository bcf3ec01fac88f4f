#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <spdlog/common.h>
#include <utility>

#include "common/transport/asio_types.h"
#include "coordinator/client_session.h"
#include "coordinator/line_budget.h"
#include "coordinator/remote_clients.h"

namespace rondo::coordinator {

/// What RemoteClients holds; shared with its session coroutines, which may outlive the pool by one
/// resumption.
class RemoteClients::State final : public SessionOwner, public std::enable_shared_from_this<State> {
 public:
  State(boost::asio::any_io_executor executor, Options options)
      : executor_(std::move(executor)),
        options_(std::move(options)),
        results_(std::exchange(options_.results, {})),
        change_(executor_),
        uploads_(executor_, options_.upload_memory) {
    ReadMembers();
  }

  void Attach(std::shared_ptr<Channel> channel);
  void Recheck();
  void SetRoster(std::string text);
  void Stop();
  void NoteDropped(const std::vector<std::pair<ClientId, Error>>& dropped);
  std::vector<ClientId> Available() const;
  std::size_t population() const;
  void Dispatch(const std::vector<ClientId>& clients,
                const Offer& offer,
                const Broadcast& broadcast);
  void Send(const ClientId& client, Bytes payload);
  void Announce(const std::vector<ClientId>& included, const RoundResult& result);
  void Settle(const std::vector<ClientId>& asked,
              const std::vector<ClientId>& included,
              const RoundResult& result);
  Task<Status> WaitFor(std::size_t count, TimePoint deadline);
  Task<Result<PoolEvent>> Next(TimePoint deadline);
  Task<Status> Finish(const Broadcast& broadcast, TimePoint deadline, std::stop_token stop);
  std::uint64_t Bytes(std::uint64_t (Channel::*count)() const,
                      std::uint64_t RemoteClientStatus::*past) const;
  std::vector<RemoteClientStatus> Statuses() const;

  std::size_t connections() const { return sessions_.size(); }

  Status Check(const Channel& channel) override;

  ByteBudget& uploads() override { return uploads_; }

  Result<wire::Welcome> Admit(const ClientId& client, const wire::Hello& hello) override;
  void OnReady(const std::shared_ptr<ClientSession>& session) override;
  void OnContribution(ClientSession& session, RoundId round, rondo::Bytes payload) override;
  void OnAggregation(ClientSession& session, RoundId round, rondo::Bytes payload) override;
  void OnDecline(ClientSession& session, RoundId round, std::string reason) override;
  void OnGoodbye(ClientSession& session, const wire::Goodbye& goodbye) override;
  void OnEnd(ClientSession& session, const Error& why) override;

  std::uint64_t refused = 0;

 private:
  static Task<void> RunSession(std::shared_ptr<State> self, std::shared_ptr<ClientSession> session);
  Task<void> Changed(TimePoint deadline);
  void MakeRoom(const ClientId& client);
  void Log(const ClientId& client, spdlog::level::level_enum level, const std::string& line);
  void ReadMembers();
  void CountMasked(const ClientId& id, bool contributed);
  const EncodedModel& Encode(const Broadcast& broadcast);
  void Emit(PoolEvent event);
  void TellFinish(ClientSession& session);
  bool EveryoneHasTheModel(bool wait_for_absent) const;

  boost::asio::any_io_executor executor_;
  Options options_;
  std::map<ClientId, RoundResult> results_;  // The last one of every client.
  Timer change_;  // Cancelled whenever something happened that a waiting call may look for.
  ByteBudget uploads_;
  std::vector<std::shared_ptr<ClientSession>> sessions_;      // All, oldest first.
  std::map<ClientId, std::shared_ptr<ClientSession>> ready_;  // After Welcome; one a client.
  std::set<ClientId> members_;                                // Of the roster.
  std::map<ClientId, RemoteClientStatus> known_;              // Everyone ever admitted.
  std::set<ClientId> invited_;                                // Since the last Announce.
  std::set<ClientId> evaluating_;                             // The same for evaluations.
  std::map<ClientId, LineBudget> lines_;                      // Of the log, about each client.
  std::deque<PoolEvent> events_;
  EncodedModel model_;
  std::string model_of_;  // Broadcast::sha256 that model_ was made of.
  bool stopped_ = false;
  bool finishing_ = false;
  std::set<ClientId> confirmed_;
};

}  // namespace rondo::coordinator
