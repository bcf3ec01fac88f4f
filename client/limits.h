#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "client/state.h"
#include "common/federated/task.h"

namespace rondo::client {

/// How much the owner of the data is willing to train, whatever the coordinator asks for. 0: no
/// limit.
struct Limits {
  int max_epochs = 0;              ///< local passes a round
  int max_steps = 0;               ///< local steps a round
  int max_rounds = 0;              ///< contributions in all
  int min_users = 1;               ///< fewer users in the log: nothing is trained
  double max_learning_rate = 0.0;  ///< of the local optimiser
  bool require_clipping = false;   ///< only tasks with a clip norm
};

/// The local workload that a task is judged by.
struct Workload {
  std::uint64_t users = 0;      ///< users in the log
  std::uint64_t sequences = 0;  ///< of these, with something to train on
};

/// Says in one sentence why the client will not do `task`, or nothing if it will.
std::optional<std::string> RefusalReason(const TrainTask& task,
                                         const Workload& workload,
                                         const ClientRecord& record,
                                         const Limits& limits);

}  // namespace rondo::client
