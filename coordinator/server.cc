#include "coordinator/server.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <spdlog/spdlog.h>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "common/transport/asio_types.h"
#include "coordinator/log_fault.h"

namespace rondo::coordinator {
namespace {

/// Pause after a failed accept, such as too many open files.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
/// Between two lines about failed handshakes.
constexpr auto kLinePause = std::chrono::seconds(1);

using Peers = std::deque<std::shared_ptr<IncomingPeer>>;

/// A handshake among those under way, however it ends.
class Place {
 public:
  Place(Peers& peers, std::shared_ptr<IncomingPeer> peer) : peers_(peers), peer_(std::move(peer)) {
    peers_.push_back(peer_);
  }

  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  ~Place() { std::erase(peers_, peer_); }

  /// False once it gave way to another.
  bool held() const { return std::find(peers_.begin(), peers_.end(), peer_) != peers_.end(); }

 private:
  Peers& peers_;
  std::shared_ptr<IncomingPeer> peer_;
};

}  // namespace

struct Server::State {
  boost::asio::any_io_executor executor;
  std::unique_ptr<TlsListener> listener;
  RemoteClients& clients;
  Options options;
  Peers pending;  ///< handshakes under way, the oldest first
  bool full = false;
  bool stopped = false;
  std::uint64_t failed = 0;
  std::uint64_t closed_at_once = 0;
  std::uint64_t unlogged = 0;  ///< failures since the last line about one
  TimePoint next_line{};

  static Task<void> Accept(std::shared_ptr<State> self);
  static Task<void> Greet(std::shared_ptr<State> self, std::shared_ptr<IncomingPeer> peer);
  Task<Status> Enrolment(std::shared_ptr<Channel> channel, TimePoint deadline) const;
  bool Overfull();
  void MakeRoom(const std::string& network);
  void Refuse(const IncomingPeer& peer, const Error& why, bool gave_way);
  void LogFailure(const IncomingPeer& peer, const Error& why);
};

Task<void> Server::State::Greet(std::shared_ptr<State> self, std::shared_ptr<IncomingPeer> peer) {
  const TimePoint deadline = std::chrono::steady_clock::now() + self->options.handshake_timeout;
  std::optional<Place> place(std::in_place, self->pending, peer);
  auto channel = co_await peer->Handshake(deadline);
  if (!channel) {
    self->Refuse(*peer, channel.error(), !place->held());
    co_return;
  }
  if (self->stopped) {
    channel.value()->Close();
    co_return;
  }
  if (peer->enrolling()) {
    // It keeps its place: strangers never have more connections than there are places.
    const Status served = co_await self->Enrolment(channel.value(), deadline);
    if (!served) {
      self->Refuse(*peer, served.error(), !place->held());
    }
    co_return;
  }
  place.reset();
  self->clients.Attach(std::move(channel).value());
}

Task<Status> Server::State::Enrolment(std::shared_ptr<Channel> channel, TimePoint deadline) const {
  if (!options.enrol) {
    channel->Close();
    co_return Fail(ErrorCode::kUnauthenticated, "it came to enrol, but nobody enrols here");
  }
  const Status served = co_await options.enrol(channel, deadline);
  co_return served;
}

void Server::State::Refuse(const IncomingPeer& peer, const Error& why, bool gave_way) {
  ++failed;
  if (gave_way) {
    return;
  }
  LogFailure(peer, why);
  const bool left_by_itself = why.code == ErrorCode::kUnavailable;
  if (options.refused && !left_by_itself) {
    options.refused(peer.address(), why);
  }
}

void Server::State::LogFailure(const IncomingPeer& peer, const Error& why) {
  const TimePoint now = std::chrono::steady_clock::now();
  if (now < next_line) {
    ++unlogged;
    return;
  }
  next_line = now + kLinePause;
  const std::uint64_t others = std::exchange(unlogged, 0);
  spdlog::warn("{}: {}{}",
               peer.address(),
               why.message,
               others > 0 ? fmt::format(" (and {} more since the last line)", others) : "");
}

bool Server::State::Overfull() {
  const std::size_t open = pending.size() + clients.connections();
  if (open < static_cast<std::size_t>(options.connections)) {
    return false;
  }
  if (closed_at_once++ == 0) {  // Once, since a flood must not fill the log too.
    spdlog::warn("{} connections are open, more are closed; see server.connections", open);
  }
  return true;
}

void Server::State::MakeRoom(const std::string& network) {
  std::map<std::string, int> count;
  for (const auto& peer : pending) {
    ++count[peer->network()];
  }
  const bool all_taken = pending.size() >= static_cast<std::size_t>(options.pending_handshakes);
  std::string crowded = network;
  if (count[network] < options.handshakes_per_address) {
    if (!all_taken) {
      full = false;
      return;
    }
    const auto less = [](const auto& a, const auto& b) {
      return a.second < b.second;
    };
    crowded = std::max_element(count.begin(), count.end(), less)->first;
  }
  if (!std::exchange(full, true)) {  // Once a flood, which must not fill the log too.
    spdlog::warn("{} handshakes are under way, {} from {}: its oldest give way to newer ones",
                 pending.size(),
                 count[crowded],
                 crowded);
  }
  const auto oldest = std::find_if(
      pending.begin(), pending.end(), [&](const auto& peer) { return peer->network() == crowded; });
  const std::shared_ptr<IncomingPeer> giving_way = *oldest;
  pending.erase(oldest);
  giving_way->Close();
}

Task<void> Server::State::Accept(std::shared_ptr<State> self) {
  Timer pause(self->executor);
  while (!self->stopped) {
    auto peer = co_await self->listener->Accept();
    if (!peer && peer.error().code == ErrorCode::kCancelled) {
      co_return;
    }
    if (!peer) {
      spdlog::error("{}", peer.error().message);
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(kAwait);
      continue;
    }
    if (self->Overfull()) {
      peer.value()->Close();
      continue;
    }
    self->MakeRoom(peer.value()->network());
    boost::asio::co_spawn(self->executor, Greet(self, std::move(peer).value()), LogFault);
  }
}

Server::Server(boost::asio::any_io_executor executor,
               std::unique_ptr<TlsListener> listener,
               RemoteClients& clients,
               const Options& options)
    : state_(std::make_shared<State>(State{.executor = executor,
                                           .listener = std::move(listener),
                                           .clients = clients,
                                           .options = options})) {}

void Server::Start() {
  boost::asio::co_spawn(state_->executor, State::Accept(state_), LogFault);
}

void Server::Stop() {
  state_->stopped = true;
  state_->listener->Close();
  for (const Peers peers = std::exchange(state_->pending, {}); const auto& peer : peers) {
    peer->Close();
  }
}

std::uint16_t Server::port() const {
  return state_->listener->port();
}

std::uint64_t Server::handshakes_failed() const {
  return state_->failed;
}

std::uint64_t Server::connections_refused() const {
  return state_->closed_at_once;
}

}  // namespace rondo::coordinator
