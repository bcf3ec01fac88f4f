#include "client/limits.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>

#include "common/federated/compression.h"
#include "common/federated/local_round.h"

namespace rondo::client {
namespace {

std::uint64_t NotNegative(int value) {
  return static_cast<std::uint64_t>(std::max(value, 0));
}

std::uint64_t DivideUp(std::uint64_t value, std::uint64_t by) {
  return (value + by - 1) / by;
}

/// What a task costs on `sequences` sequences, however it counts.
struct LocalCost {
  std::uint64_t steps = 0;
  std::uint64_t passes = 0;
};

LocalCost CostOf(const ClientConfig& client, std::uint64_t sequences) {
  const std::uint64_t batch = std::max<std::uint64_t>(NotNegative(client.batch_size), 1);
  if (client.steps > 0) {
    const std::uint64_t steps = NotNegative(client.steps);
    return {.steps = steps, .passes = DivideUp(steps * batch, sequences)};
  }
  const std::uint64_t epochs = NotNegative(client.epochs);
  return {.steps = epochs * DivideUp(sequences, batch), .passes = epochs};
}

std::optional<Refusal> RefusalOfFewUsers(const Workload& workload, const Limits& limits) {
  if (workload.users < NotNegative(limits.min_users)) {
    return Refusal{.for_peer = "this client holds fewer users than its owner asks for",
                   .for_owner = fmt::format("the log holds {} users, limits.min_users asks for {}",
                                            workload.users,
                                            limits.min_users)};
  }
  return std::nullopt;
}

/// Why local training by `client` costs more than the owner allows. `sequences` is not 0.
std::optional<Refusal> RefusalOfCost(const ClientConfig& client,
                                     std::uint64_t sequences,
                                     const Limits& limits) {
  const LocalCost cost = CostOf(client, sequences);
  if (limits.max_epochs > 0 && cost.passes > NotNegative(limits.max_epochs)) {
    return Refusal{
        .for_peer = "the task takes more local epochs than this client allows",
        .for_owner = fmt::format(
            "the task takes {} epochs, limits.max_epochs is {}", cost.passes, limits.max_epochs)};
  }
  if (limits.max_steps > 0 && cost.steps > NotNegative(limits.max_steps)) {
    return Refusal{
        .for_peer = "the task takes more local steps than this client allows",
        .for_owner = fmt::format(
            "the task takes {} local steps, limits.max_steps is {}", cost.steps, limits.max_steps)};
  }
  if (limits.max_learning_rate > 0.0 && client.learning_rate > limits.max_learning_rate) {
    return Refusal{.for_peer = "the task's learning rate is higher than this client allows",
                   .for_owner = fmt::format(
                       "the task asks for learning rate {}, limits.max_learning_rate is {}",
                       client.learning_rate,
                       limits.max_learning_rate)};
  }
  return std::nullopt;
}

}  // namespace

bool TrustsTooMuch(const std::string& mode, const Limits& limits) {
  constexpr std::array<std::string_view, 3> kModes = {"channel", "sealed", "masked"};
  return std::find(kModes.begin(), kModes.end(), mode)
         < std::find(kModes.begin(), kModes.end(), limits.trust);
}

std::optional<Refusal> RefusalToEvaluate(const EvaluateTask& task,
                                         const Workload& workload,
                                         const Limits& limits) {
  if (auto refusal = RefusalOfFewUsers(workload, limits)) {
    return refusal;
  }
  if (task.fine_tune <= 0 || workload.sequences == 0) {
    return std::nullopt;
  }
  return RefusalOfCost(FineTuneTask(task, 0.0).client, workload.sequences, limits);
}

std::optional<Refusal> RefusalToTrain(const TrainTask& task,
                                      const Workload& workload,
                                      const ClientRecord& record,
                                      const Limits& limits) {
  if (auto refusal = RefusalOfFewUsers(workload, limits)) {
    return refusal;
  }
  if (workload.sequences == 0) {
    return Refusal{.for_peer = "this client has nothing to train on yet",
                   .for_owner = "no user of the log has two training events yet"};
  }
  if (limits.max_rounds > 0 && record.rounds_trained >= NotNegative(limits.max_rounds)) {
    return Refusal{
        .for_peer = "this client has trained as many rounds as its owner allows",
        .for_owner = fmt::format("limits.max_rounds = {} is used up", limits.max_rounds)};
  }
  if (auto refusal = RefusalOfCost(task.client, workload.sequences, limits)) {
    return refusal;
  }
  if (limits.require_clipping && task.clip_norm <= 0.0) {
    return Refusal{.for_peer = "this client asks for a clip norm, and the task has none",
                   .for_owner = "the task clips nothing, limits.require_clipping is set"};
  }
  if (limits.require_clipping && PacksUpdates(task.compression)) {
    return Refusal{
        .for_peer = "this client asks for a clip norm, which the task's compression does not keep",
        .for_owner =
            "the task's compression does not keep the clip norm, limits.require_clipping is "
            "set"};
  }
  return std::nullopt;
}

}  // namespace rondo::client
