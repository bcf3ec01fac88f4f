#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/core/bytes.h"
#include "common/core/clock.h"
#include "common/core/ids.h"
#include "common/core/result.h"

namespace rondo {

/// What TLS knows of a connection; all empty over memory.
struct ChannelSecurity {
  std::string key_sha256;  ///< of the peer's certificate, as CertificateInfo; empty: it showed none
  /// Keying material of this connection and no other (RFC 8446, section 7.5; label kBindingLabel):
  /// what is signed together with it counts on this connection alone.
  std::array<std::uint8_t, 32> binding{};
};

/// What a reader takes, beside the caps of the frames' types.
struct ReceiveRules {
  std::uint32_t largest = 0xFFFFFFFF;  ///< payload, in bytes
  Duration header_time =
      std::chrono::seconds(5);          ///< from a frame's first byte to its header's end
  double least_bytes_per_s = 16 << 10;  ///< a payload comes at least this fast
};

inline constexpr const char* kBindingLabel = "EXPORTER-rondo-binding-1";

template <typename T>
using Task = boost::asio::awaitable<T>;

/// An ordered, reliable stream of frames to one authenticated peer: TLS in a federation, memory in
/// tests. One reader and one writer at a time. Confined to its executor.
class Channel {
 public:
  virtual ~Channel() = default;

  /// Errors  kUnavailable if the peer is gone; kTimeout.
  virtual Task<Status> Send(Bytes frame, TimePoint deadline) = 0;

  /// A frame begins before `deadline`; once begun it must go on as the rules say.
  /// Errors  as Send; kCorrupt for a frame that breaks the format or the cap.
  virtual Task<Result<Bytes>> Receive(TimePoint deadline) = 0;

  /// For the frames from now on.
  virtual void SetRules(const ReceiveRules& rules) = 0;

  /// Ends both directions at once; pending calls return kUnavailable.
  virtual void Close() = 0;

  virtual const ClientId& peer() const = 0;  ///< SAN id of the peer's certificate
  virtual std::uint64_t bytes_sent() const = 0;
  virtual std::uint64_t bytes_received() const = 0;
  virtual const ChannelSecurity& security() const = 0;
};

}  // namespace rondo
