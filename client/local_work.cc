#include "client/local_work.h"

#include <utility>

#include "common/crypto/random.h"
#include "common/federated/vector_math.h"
#include "common/metrics/evaluate.h"
#include "common/metrics/metrics_block.h"

namespace rondo::client {

ClientData AllTrainingRows(const ClientId& id, const Dataset& dataset) {
  ClientData client{.id = id};
  for (const UserSequence& user : dataset.users) {
    if (user.Trains()) {
      client.Add(user);
    }
  }
  return client;
}

void LocalWork::Configure(const ModelConfig& model,
                          std::int64_t items,
                          std::shared_ptr<const ItemFeatures> features) {
  options_ = {
      .model = model, .items = items, .engine = parts_.engine, .features = std::move(features)};
  trainer_.reset();
}

Result<std::shared_ptr<LoadedData>> LocalWork::Data() {
  RONDO_TRY(auto loaded, parts_.data.Current());
  if (loaded->dataset.catalogue->sha256() != parts_.catalogue_sha256) {
    return Fail(ErrorCode::kFailedPrecondition,
                "data.catalogue changed while this client ran; put the federation's "
                "catalogue.tsv back, or restart the client");
  }
  return loaded;
}

Result<Workload> LocalWork::Look() {
  RONDO_TRY(const auto loaded, Data());
  const ClientData client = AllTrainingRows(parts_.id, loaded->dataset);
  return Workload{.users = loaded->dataset.users.size(), .sequences = client.sequences.size()};
}

Result<TrainedUpdate> LocalWork::Train(const Broadcast& broadcast,
                                       const TrainTask& task,
                                       const LocalStart& start,
                                       std::stop_token stop) {
  RONDO_TRY(const auto loaded, Data());
  return TrainOn(loaded->dataset, broadcast, task, start, std::move(stop));
}

Result<TrainedUpdate> LocalWork::TrainOn(const Dataset& dataset,
                                         const Broadcast& broadcast,
                                         const TrainTask& task,
                                         const LocalStart& start,
                                         std::stop_token stop) {
  if (!trainer_) {
    RONDO_TRY(trainer_, parts_.trainers(options_));
  }
  std::vector<ClientData> clients = {AllTrainingRows(parts_.id, dataset)};
  clients.front().correction = start.correction;
  clients.front().personal = start.personal;
  RONDO_TRY(
      CohortOutcome outcome,
      trainer_->Train(broadcast, clients, task, UpdateVisibility::kIndividual, std::move(stop)));
  if (!outcome.failed.empty()) {
    return Fail(std::move(outcome.failed.front().second));
  }
  if (outcome.deltas.size() != 1 || outcome.clients.size() != 1
      || outcome.deltas.front().size() != broadcast.model.values.size()) {
    return Fail(ErrorCode::kInternal,
                "the trainer did not return exactly one update of the model's size");
  }
  return TrainedUpdate{.delta = std::move(outcome.deltas.front()),
                       .report = outcome.clients.front()};
}

Result<UpdateSum> LocalWork::Evaluate(const Broadcast& broadcast,
                                      const EvaluateTask& task,
                                      const ClientVectors& own,
                                      std::stop_token stop) {
  RONDO_TRY(const auto loaded, Data());
  const Dataset& dataset = loaded->dataset;
  Broadcast mine;
  RONDO_TRY(mine.model, PersonalModel(broadcast.model, own));
  if (task.fine_tune > 0 && !AllTrainingRows(parts_.id, dataset).sequences.empty()) {
    const TrainTask tuning = FineTuneTask(task, options_.model.dropout);
    RONDO_TRY(const TrainedUpdate tuned, TrainOn(dataset, mine, tuning, {}, stop));
    AddScaled(mine.model.values, tuned.delta, 1.0);
  }
  RONDO_TRY(const auto scorer, parts_.scorers(options_, mine.model));
  const std::vector<std::uint32_t> users = AllUsers(dataset);
  const std::vector<TestRows>* test = task.split == Split::kTest ? &loaded->test.Open() : nullptr;
  RONDO_TRY(const std::vector<UserMetrics> metrics,
            EvaluateUsers(*scorer, dataset, users, task.split, test, OptionsOfTask(task)));
  if (stop.stop_requested()) {
    return Fail(ErrorCode::kCancelled, "the evaluation was stopped");
  }
  // Rounding on the ring must not be predictable by the coordinator.
  Rng rng({.seed = SecureRandomU64(), .client = SecureRandomU64(), .purpose = Purpose::kRounding});
  return SumMetrics(metrics, task, &rng);
}

}  // namespace rondo::client
