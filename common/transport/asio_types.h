#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

/// Asio in the form used here: errors are values, and every wait has a deadline (`operation ||
/// timer`). Included by sources only.
namespace rondo {

inline constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);

using Tcp = boost::asio::ip::tcp;
using Timer = boost::asio::steady_timer;

}  // namespace rondo
