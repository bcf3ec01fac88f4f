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
  int max_epochs = 0;              ///< local passes a round, also of tasks that count steps
  int max_steps = 0;               ///< local steps a round
  int max_rounds = 0;              ///< contributions in all
  int min_users = 1;               ///< fewer users in the log: nothing is trained or evaluated
  double max_learning_rate = 0.0;  ///< of the local optimiser
  bool require_clipping = false;   ///< only tasks with a clip norm
  std::string trust = "channel";   ///< the weakest trust mode: channel, sealed or masked
  int min_clients = 3;  ///< under masks: to hide among; sums of fewer get nothing from this client
};

/// The local workload that a task is judged by.
struct Workload {
  std::uint64_t users = 0;      ///< users in the log
  std::uint64_t sequences = 0;  ///< of these, with something to train on
};

/// Why a client sits a task out.
struct Refusal {
  std::string for_peer;  ///< a fixed sentence: numbers of the log are nobody else's business
  std::string for_owner;
};

/// Whether a coordinator that runs in trust mode `mode` shields updates less than `limits` ask for:
/// in the clear, sealed on their way to who opens each, or masked, when only sums can be opened.
bool TrustsTooMuch(const std::string& mode, const Limits& limits);

/// Why the client will not train `task`, or nothing if it will.
std::optional<Refusal> RefusalToTrain(const TrainTask& task,
                                      const Workload& workload,
                                      const ClientRecord& record,
                                      const Limits& limits);

/// The same for the evaluation of a model: sums over few users say too much about each. What
/// fine-tuning before it costs is bounded like training.
std::optional<Refusal> RefusalToEvaluate(const EvaluateTask& task,
                                         const Workload& workload,
                                         const Limits& limits);

}  // namespace rondo::client
