#include "coordinator/remote_clients.h"

#include <utility>

#include "coordinator/remote_clients_state.h"

namespace rondo::coordinator {

RemoteClients::RemoteClients(boost::asio::any_io_executor executor, Options options)
    : state_(std::make_shared<State>(std::move(executor), std::move(options))) {}

RemoteClients::~RemoteClients() {
  state_->Stop();
}

void RemoteClients::Attach(std::shared_ptr<Channel> channel) {
  state_->Attach(std::move(channel));
}

void RemoteClients::Recheck() {
  state_->Recheck();
}

void RemoteClients::SetRoster(std::string text) {
  state_->SetRoster(std::move(text));
}

void RemoteClients::Stop() {
  state_->Stop();
}

void RemoteClients::NoteDropped(const std::vector<std::pair<ClientId, Error>>& dropped) {
  state_->NoteDropped(dropped);
}

std::vector<ClientId> RemoteClients::Available() const {
  return state_->Available();
}

std::size_t RemoteClients::population() const {
  return state_->population();
}

Task<Status> RemoteClients::WaitFor(std::size_t count, TimePoint deadline) {
  return state_->WaitFor(count, deadline);
}

void RemoteClients::Dispatch(const std::vector<ClientId>& clients,
                             const Offer& offer,
                             const Broadcast& broadcast) {
  state_->Dispatch(clients, offer, broadcast);
}

void RemoteClients::Send(const ClientId& client, Bytes payload) {
  state_->Send(client, std::move(payload));
}

Task<Result<PoolEvent>> RemoteClients::Next(TimePoint deadline) {
  return state_->Next(deadline);
}

void RemoteClients::Announce(const std::vector<ClientId>& included, const RoundResult& result) {
  state_->Announce(included, result);
}

void RemoteClients::Settle(const std::vector<ClientId>& asked,
                           const std::vector<ClientId>& included,
                           const RoundResult& result) {
  state_->Settle(asked, included, result);
}

Task<Status> RemoteClients::Finish(const Broadcast& model,
                                   TimePoint deadline,
                                   std::stop_token stop) {
  return state_->Finish(model, deadline, std::move(stop));
}

std::uint64_t RemoteClients::bytes_up() const {
  return state_->Bytes(&Channel::bytes_received, &RemoteClientStatus::bytes_up);
}

std::uint64_t RemoteClients::bytes_down() const {
  return state_->Bytes(&Channel::bytes_sent, &RemoteClientStatus::bytes_down);
}

std::vector<RemoteClientStatus> RemoteClients::Statuses() const {
  return state_->Statuses();
}

std::uint64_t RemoteClients::sessions_refused() const {
  return state_->refused;
}

std::size_t RemoteClients::connections() const {
  return state_->connections();
}

}  // namespace rondo::coordinator
