#include "coordinator/remote_clients_state.h"

// What an operator sees of the clients.

namespace rondo::coordinator {

std::uint64_t RemoteClients::State::Bytes(std::uint64_t (Channel::*count)() const,
                                          std::uint64_t RemoteClientStatus::*past) const {
  std::uint64_t total = 0;
  for (const auto& [id, status] : known_) {
    total += status.*past;
  }
  for (const auto& [id, session] : ready_) {
    total += (session->channel().*count)();
  }
  return total;
}

std::vector<RemoteClientStatus> RemoteClients::State::Statuses() const {
  std::vector<RemoteClientStatus> all;
  for (const auto& [id, past] : known_) {
    RemoteClientStatus status = past;
    if (const auto found = ready_.find(id); found != ready_.end()) {
      const ClientSession& session = *found->second;
      status.connected = true;
      status.working_on = session.assignment() ? session.assignment()->round : 0;
      status.bytes_up += session.channel().bytes_received();
      status.bytes_down += session.channel().bytes_sent();
      status.ignored += session.ignored();
    }
    all.push_back(std::move(status));
  }
  return all;
}

}  // namespace rondo::coordinator
