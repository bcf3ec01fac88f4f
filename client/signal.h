#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/transport/channel.h"

namespace rondo::client {

/// Wakes the coroutines that wait for a condition to change. Confined to one executor: a waiter
/// checks its condition, then waits, with no suspension in between, so no wake-up is lost.
class Signal {
 public:
  explicit Signal(const boost::asio::any_io_executor& executor) : timer_(executor) {}

  void Notify() { timer_.cancel(); }

  /// Returns after Notify or at the deadline.
  Task<void> Wait(TimePoint deadline) {
    constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);
    timer_.expires_at(deadline);
    co_await timer_.async_wait(kAwait);
  }

 private:
  boost::asio::steady_timer timer_;
};

}  // namespace rondo::client
