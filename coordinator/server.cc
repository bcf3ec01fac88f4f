#include "coordinator/server.h"

#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>

#include "common/transport/asio_types.h"
#include "coordinator/log_fault.h"

namespace rondo::coordinator {
namespace {

/// Pause after a failed accept, such as too many open files.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

}  // namespace

struct Server::State {
  boost::asio::any_io_executor executor;
  std::unique_ptr<TlsListener> listener;
  RemoteClients& clients;
  Options options;
  int pending = 0;
  bool stopped = false;
  std::uint64_t failed = 0;

  static Task<void> Accept(std::shared_ptr<State> self);
  static Task<void> Greet(std::shared_ptr<State> self, std::shared_ptr<IncomingPeer> peer);
};

Task<void> Server::State::Greet(std::shared_ptr<State> self, std::shared_ptr<IncomingPeer> peer) {
  const TimePoint deadline = std::chrono::steady_clock::now() + self->options.handshake_timeout;
  auto channel = co_await peer->Handshake(deadline);
  --self->pending;
  if (!channel) {
    ++self->failed;
    spdlog::warn("{}: {}", peer->address(), channel.error().message);
    co_return;
  }
  if (self->stopped) {
    channel.value()->Close();
    co_return;
  }
  self->clients.Attach(std::move(channel).value());
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
    if (self->pending >= self->options.pending_handshakes) {
      spdlog::warn(
          "{}: closed, {} handshakes are under way", peer.value()->address(), self->pending);
      continue;
    }
    ++self->pending;
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
}

std::uint16_t Server::port() const {
  return state_->listener->port();
}

std::uint64_t Server::handshakes_failed() const {
  return state_->failed;
}

}  // namespace rondo::coordinator
