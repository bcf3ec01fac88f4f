#pragma once

#include <memory>
#include <optional>

#include "common/transport/channel.h"

namespace rondo {

/// Which frame of those sent, counted from 0, meets which fault.
struct FaultPlan {
  std::optional<std::size_t> drop;     ///< is swallowed
  std::optional<std::size_t> corrupt;  ///< has its last byte inverted
  std::optional<std::size_t> cut;      ///< breaks off half-way, and the connection with it
};

/// A channel that fails on purpose; for tests.
std::shared_ptr<Channel> MakeFaultChannel(std::shared_ptr<Channel> inner, FaultPlan plan);

}  // namespace rondo
