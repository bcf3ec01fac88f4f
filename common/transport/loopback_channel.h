#pragma once

#include <memory>
#include <utility>

#include <boost/asio/any_io_executor.hpp>

#include "common/transport/channel.h"

namespace rondo {

/// Two ends of a channel in memory. Frames are checked like those from a socket: a frame that
/// breaks the envelope is kCorrupt at the receiver. Both ends are confined to `executor`.
///
/// `server_end.peer()` is `client`, `client_end.peer()` is "coordinator".
struct LoopbackPair {
  std::shared_ptr<Channel> server_end;
  std::shared_ptr<Channel> client_end;
};

LoopbackPair MakeLoopback(boost::asio::any_io_executor executor, ClientId client);

}  // namespace rondo
