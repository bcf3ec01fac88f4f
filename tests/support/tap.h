#pragma once

#include <array>
#include <memory>
#include <unordered_set>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "common/transport/asio_types.h"
#include "common/transport/channel.h"

/// Listening to what goes over a connection, inside and below TLS.
namespace rondo::testing {

/// A channel that keeps a copy of every frame sent.
class TapChannel final : public Channel {
 public:
  /// `heard` outlives the channel.
  TapChannel(std::shared_ptr<Channel> inner, Bytes& heard)
      : inner_(std::move(inner)),
        heard_(heard) {}

  Task<Status> Send(Bytes frame, TimePoint deadline) override {
    heard_.insert(heard_.end(), frame.begin(), frame.end());
    return inner_->Send(std::move(frame), deadline);
  }

  Task<Result<Bytes>> Receive(TimePoint deadline) override { return inner_->Receive(deadline); }

  void SetRules(const ReceiveRules& rules) override { inner_->SetRules(rules); }

  void Close() override { inner_->Close(); }

  const ClientId& peer() const override { return inner_->peer(); }

  std::uint64_t bytes_sent() const override { return inner_->bytes_sent(); }

  std::uint64_t bytes_received() const override { return inner_->bytes_received(); }

  const ChannelSecurity& security() const override { return inner_->security(); }

 private:
  std::shared_ptr<Channel> inner_;
  Bytes& heard_;
};

/// Passes TCP connections on to a port of this machine, and keeps a copy of every byte of both
/// directions.
class TapRelay {
 public:
  using Tcp = boost::asio::ip::tcp;

  /// `heard` outlives the executor's work.
  TapRelay(boost::asio::any_io_executor executor, std::uint16_t target, Bytes& heard)
      : acceptor_(std::make_shared<Tcp::acceptor>(
          executor,
          Tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0))) {
    boost::asio::co_spawn(executor, Accept(acceptor_, target, &heard), Ignore);
  }

  ~TapRelay() {
    boost::system::error_code ignored;
    acceptor_->close(ignored);
  }

  TapRelay(const TapRelay&) = delete;
  TapRelay& operator=(const TapRelay&) = delete;

  std::uint16_t port() const { return acceptor_->local_endpoint().port(); }

 private:
  using Socket = std::shared_ptr<Tcp::socket>;

  static void Ignore(std::exception_ptr /*fault*/) {}

  static Task<void> Accept(std::shared_ptr<Tcp::acceptor> acceptor,
                           std::uint16_t target,
                           Bytes* heard) {
    const Tcp::endpoint there(boost::asio::ip::address_v4::loopback(), target);
    for (;;) {
      const auto near = std::make_shared<Tcp::socket>(acceptor->get_executor());
      const auto [failed] = co_await acceptor->async_accept(*near, kAwait);
      if (failed) {
        co_return;
      }
      const auto far = std::make_shared<Tcp::socket>(acceptor->get_executor());
      const auto [unreachable] = co_await far->async_connect(there, kAwait);
      if (unreachable) {
        co_return;
      }
      boost::asio::co_spawn(acceptor->get_executor(), Pump(near, far, heard), Ignore);
      boost::asio::co_spawn(acceptor->get_executor(), Pump(far, near, heard), Ignore);
    }
  }

  static Task<void> Pump(Socket from, Socket to, Bytes* heard) {
    std::array<std::uint8_t, 16384> bytes{};
    for (;;) {
      const auto room = boost::asio::buffer(bytes);
      const auto [ended, size] = co_await from->async_read_some(room, kAwait);
      heard->insert(heard->end(), bytes.begin(), bytes.begin() + static_cast<long>(size));
      const auto filled = boost::asio::buffer(bytes.data(), size);
      const auto [broken, written] = co_await boost::asio::async_write(*to, filled, kAwait);
      if (ended || broken) {
        break;
      }
    }
    boost::system::error_code ignored;
    from->close(ignored);
    to->close(ignored);
  }

  std::shared_ptr<Tcp::acceptor> acceptor_;
};

/// How many windows of 32 bytes of `secret` stand anywhere in `heard`, once each. Windows of one
/// repeated byte, such as zeros, tell nothing and are left out.
inline std::size_t WindowsHeard(ByteView secret, ByteView heard) {
  constexpr std::size_t kWindow = 32;
  const auto window = [](ByteView bytes, std::size_t at) {
    return AsText(bytes.subspan(at, kWindow));
  };
  std::unordered_set<std::string_view> windows;
  for (std::size_t at = 0; at + kWindow <= secret.size(); ++at) {
    const std::string_view text = window(secret, at);
    if (text.find_first_not_of(text.front()) != std::string_view::npos) {
      windows.insert(text);
    }
  }
  std::unordered_set<std::string_view> found;
  for (std::size_t at = 0; at + kWindow <= heard.size(); ++at) {
    if (windows.contains(window(heard, at))) {
      found.insert(window(heard, at));
    }
  }
  return found.size();
}

}  // namespace rondo::testing
