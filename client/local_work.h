#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "client/data_source.h"
#include "client/limits.h"
#include "common/federated/local_round.h"
#include "common/model/trainer.h"

namespace rondo::client {

using TrainerFactory =
    std::function<Result<std::unique_ptr<CohortTrainer>>(const CohortTrainer::Options& options)>;
using ScorerFactory =
    std::function<Result<std::unique_ptr<Scorer>>(const CohortTrainer::Options& options,
                                                  const ParameterVector& model)>;

/// One client's finished training round. Less its personal and frozen parameters (EndRound), it is
/// all that may leave the process.
struct TrainedUpdate {
  std::vector<float> delta;  ///< of the whole model, clipped, not weighted, in layout order
  ClientReport report;
};

/// The work on the client's own rows, one task at a time. Blocks, so it runs on a thread of its
/// own.
class LocalWork {
 public:
  struct Parts {
    ClientId id;
    DataSource& data;              ///< outlives this
    std::string catalogue_sha256;  ///< the item list whose rows the federation's models know
    TrainerFactory trainers;
    ScorerFactory scorers;
    EngineConfig engine;
  };

  explicit LocalWork(Parts parts) : parts_(std::move(parts)) {}

  const ClientId& id() const { return parts_.id; }

  /// Names the model that the next tasks are about; `features` may be null without model.features.
  void Configure(const ModelConfig& model,
                 std::int64_t items,
                 std::shared_ptr<const ItemFeatures> features = nullptr);

  /// Reads the log again if it changed. Errors, here and below  kFailedPrecondition if the
  /// catalogue is no longer the one of Parts: row numbers would name other items.
  Result<Workload> Look();

  /// Trains one client on all training rows of its users. `start` is what its own vectors change.
  /// Errors  kDiverged, kCancelled, and those of the log and the trainer.
  Result<TrainedUpdate> Train(const Broadcast& broadcast,
                              const TrainTask& task,
                              const LocalStart& start,
                              std::stop_token stop);

  /// The sums of the offered metrics over the users, on the offered grid: block kMetricsBlock,
  /// weight users. They are of the client's personal model, tuned to its training rows first if
  /// the task asks for that; what tuning changes is forgotten. Errors  as Train; kCorrupt for
  /// vectors of another model.
  Result<UpdateSum> Evaluate(const Broadcast& broadcast,
                             const EvaluateTask& task,
                             const ClientVectors& own,
                             std::stop_token stop);

 private:
  Result<std::shared_ptr<LoadedData>> Data();
  Result<TrainedUpdate> TrainOn(const Dataset& dataset,
                                const Broadcast& broadcast,
                                const TrainTask& task,
                                const LocalStart& start,
                                std::stop_token stop);

  Parts parts_;
  CohortTrainer::Options options_;
  std::unique_ptr<CohortTrainer> trainer_;  ///< made at the first task after Configure
};

/// The training rows of every user with something to predict, for one client. Views into `dataset`.
ClientData AllTrainingRows(const ClientId& id, const Dataset& dataset);

}  // namespace rondo::client
