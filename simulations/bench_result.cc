#include "simulations/bench_result.h"

#include <cmath>

namespace rondo::sim {

void SetFingerprint(BenchResult& result, const ParameterVector& model) {
  double sum = 0.0;
  double squares = 0.0;
  for (const float value : model.values) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  result.sum = sum;
  result.l2 = std::sqrt(squares);
}

Result<double> ClosingLoss(CohortTrainer& trainer,
                           const BenchWorkload& workload,
                           const ParameterVector& model) {
  // One step at rate zero reports the loss of the weights it was given.
  TrainTask task = workload.task;
  task.client.learning_rate = 0.0;
  task.client.steps = 1;
  task.client.batch_size = 100;
  task.clip_norm = 0.0;
  const Broadcast broadcast{.model = model};
  RONDO_TRY(const CohortOutcome outcome,
            trainer.Train(broadcast, workload.loss_batches, task, UpdateVisibility::kSumOnly, {}));
  double sum = 0.0;
  for (const ClientReport& report : outcome.clients) {
    sum += report.loss;
  }
  if (outcome.clients.empty()) {
    return Fail(ErrorCode::kDiverged,
                "the model of the workload's last round gives no finite loss");
  }
  return sum / static_cast<double>(outcome.clients.size());
}

}  // namespace rondo::sim
