#include <spdlog/spdlog.h>

#include "coordinator/remote_clients_state.h"

// What one client may take of the connections and of the log.

namespace rondo::coordinator {
namespace {

/// Clients whose lines are counted apart; whoever has a stolen authority can invent any number.
constexpr std::size_t kMostApart = 4096;

}  // namespace

/// A client that opens connections and says nothing holds no more than its share of them.
void RemoteClients::State::MakeRoom(const ClientId& client) {
  std::shared_ptr<ClientSession> oldest;
  int open = 0;
  for (const auto& session : sessions_) {
    if (session->client() != client) {
      continue;
    }
    ++open;
    const auto ready = ready_.find(client);
    const bool greeting = ready == ready_.end() || ready->second != session;
    if (greeting && oldest == nullptr) {
      oldest = session;
    }
  }
  if (open >= options_.connections_per_client && oldest != nullptr) {
    oldest->End(Error{ErrorCode::kUnavailable, "the client opened more connections than it may"});
  }
}

void RemoteClients::State::Log(const ClientId& client,
                               spdlog::level::level_enum level,
                               const std::string& line) {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  const bool apart = lines_.size() < kMostApart || lines_.contains(client);
  const auto omitted =
      lines_[apart ? client : ClientId()].Take(std::chrono::duration<double>(since).count());
  if (omitted) {
    spdlog::log(level,
                "client {} {}{}",
                client,
                line,
                *omitted > 0 ? " (and " + std::to_string(*omitted) + " lines left out)" : "");
  }
}

}  // namespace rondo::coordinator
