#pragma once

#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/core/bytes.h"
#include "common/core/clock.h"
#include "common/core/ids.h"
#include "common/core/result.h"

namespace rondo {

template <typename T>
using Task = boost::asio::awaitable<T>;

/// An ordered, reliable stream of frames to one authenticated peer: TLS in a federation, memory in
/// tests. One reader and one writer at a time. Confined to its executor.
class Channel {
 public:
  virtual ~Channel() = default;

  /// Errors  kUnavailable if the peer is gone; kTimeout.
  virtual Task<Status> Send(Bytes frame, TimePoint deadline) = 0;

  /// Errors  as Send; kCorrupt for a frame that breaks the format or the cap.
  virtual Task<Result<Bytes>> Receive(TimePoint deadline) = 0;

  /// Ends both directions at once; pending calls return kUnavailable.
  virtual void Close() = 0;

  virtual const ClientId& peer() const = 0;  ///< SAN id of the peer's certificate
  virtual std::uint64_t bytes_sent() const = 0;
  virtual std::uint64_t bytes_received() const = 0;
};

}  // namespace rondo
