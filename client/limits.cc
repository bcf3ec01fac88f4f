#include "client/limits.h"

#include <fmt/format.h>

namespace rondo::client {
namespace {

std::uint64_t LocalSteps(const TrainTask& task, std::uint64_t sequences) {
  if (task.client.steps > 0) {
    return static_cast<std::uint64_t>(task.client.steps);
  }
  const auto batch =
      static_cast<std::uint64_t>(task.client.batch_size > 0 ? task.client.batch_size : 1);
  const auto epochs = static_cast<std::uint64_t>(task.client.epochs > 0 ? task.client.epochs : 0);
  return epochs * ((sequences + batch - 1) / batch);
}

}  // namespace

std::optional<std::string> RefusalReason(const TrainTask& task,
                                         const Workload& workload,
                                         const ClientRecord& record,
                                         const Limits& limits) {
  const auto users = static_cast<std::uint64_t>(limits.min_users > 0 ? limits.min_users : 0);
  if (workload.users < users) {
    return fmt::format(
        "the log holds {} users, limits.min_users asks for {}", workload.users, users);
  }
  if (workload.sequences == 0) {
    return "no user of the log has two training events yet";
  }
  if (limits.max_rounds > 0
      && record.rounds_trained >= static_cast<std::uint64_t>(limits.max_rounds)) {
    return fmt::format("limits.max_rounds = {} is used up", limits.max_rounds);
  }
  if (limits.max_epochs > 0 && task.client.steps <= 0 && task.client.epochs > limits.max_epochs) {
    return fmt::format("the task asks for {} epochs, limits.max_epochs is {}",
                       task.client.epochs,
                       limits.max_epochs);
  }
  const std::uint64_t steps = LocalSteps(task, workload.sequences);
  if (limits.max_steps > 0 && steps > static_cast<std::uint64_t>(limits.max_steps)) {
    return fmt::format(
        "the task asks for {} local steps, limits.max_steps is {}", steps, limits.max_steps);
  }
  if (limits.max_learning_rate > 0.0 && task.client.learning_rate > limits.max_learning_rate) {
    return fmt::format("the task asks for learning rate {}, limits.max_learning_rate is {}",
                       task.client.learning_rate,
                       limits.max_learning_rate);
  }
  if (limits.require_clipping && task.clip_norm <= 0.0) {
    return "the task clips nothing, limits.require_clipping is set";
  }
  return std::nullopt;
}

}  // namespace rondo::client
