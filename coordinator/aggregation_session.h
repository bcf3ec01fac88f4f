#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/core/bytes.h"
#include "common/core/clock.h"
#include "common/core/ids.h"
#include "common/core/result.h"
#include "common/federated/task.h"

namespace rondo::coordinator {

struct Outgoing {
  ClientId client;
  Bytes payload;
};

/// What a protocol step asks for: `persist` is committed before `send` leaves.
struct Step {
  Bytes persist;
  std::vector<Outgoing> send;
  std::optional<TimePoint> wake;  ///< call Tick then
};

/// The server half of one round's aggregation protocol, without sockets or clocks: bytes and the
/// time in, bytes and the next wake-up out. A faulty client is dropped and counted; only an
/// unrecoverable fault is an error. One object a round; not thread-safe.
///
/// ClearSession yields one sum of all contributions, or one each where the strategy needs single
/// updates; a masked session yields exactly one.
class AggregationSession {
 public:
  virtual ~AggregationSession() = default;

  virtual Result<Step> Start(TimePoint now) = 0;

  /// Errors  kFailedPrecondition after Take. A wrong message is no error: its sender is dropped.
  virtual Result<Step> Receive(const ClientId& client, ByteView payload, TimePoint now) = 0;

  /// Takes the work of clients in this process.
  virtual Result<Step> AddPack(const std::vector<ClientId>& clients,
                               UpdateSum sum,
                               double loss) = 0;

  virtual Result<Step> Tick(TimePoint now) = 0;
  virtual void Drop(const ClientId& client, const Error& why) = 0;

  /// True when every invited client has contributed or been dropped.
  virtual bool complete() const = 0;
  virtual const std::vector<ClientId>& contributors() const = 0;
  virtual const std::vector<std::pair<ClientId, Error>>& dropped() const = 0;
  virtual double mean_loss() const = 0;  ///< over contributors, weighted by client; NaN without any

  virtual Result<std::vector<UpdateSum>> Take() && = 0;
};

}  // namespace rondo::coordinator
