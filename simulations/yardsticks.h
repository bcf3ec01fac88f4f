#pragma once

#include <stop_token>
#include <vector>

#include "simulations/client_models.h"
#include "simulations/experiment.h"

/// What federated training is measured against: the same model trained on pooled data, and by each
/// client alone. Both use the local optimiser of the scenario and choose their epochs on validation
/// NDCG@10, as a federation chooses its round.
namespace rondo::sim {

struct EpochBudget {
  int most = 0;      ///< epochs
  int every = 0;     ///< epochs between validations
  int patience = 0;  ///< validations without a better one that end training; 0: never
};

struct Fitted {
  ParameterVector model;  ///< of the chosen epoch
  int epochs = 0;         ///< the chosen one; 0: no validation was better than the initial weights
  int trained = 0;        ///< epochs until training ended
  double ndcg = 0.0;      ///< of the chosen epoch, on validation
};

/// Trains on the training rows of all users of all clients, with one optimiser from the first epoch
/// to the last.
/// Errors  those of CohortTrainer::Fit and EvaluateModel.
Result<Fitted> FitCentral(Experiment& experiment,
                          const EpochBudget& budget,
                          const std::stop_token& stop);

/// Models of clients who train alone from the same initial weights. They are made again where they
/// are needed, since all of them together may not fit into memory.
class LocalModels {
 public:
  LocalModels(Experiment& experiment, std::stop_token stop);

  /// Tries budget.every, twice as many, and so on to budget.most epochs, and keeps the number that
  /// is best on the mean of all clients' validation users: one of them has one target, which would
  /// choose by chance.
  /// Errors  those of CohortTrainer::Train and EvaluateModel.
  Status Choose(const EpochBudget& budget);

  /// Users in ascending order, each scored by its client's model; those of no client by the initial
  /// weights.
  Result<ClientScores> Score(const ModelEvaluation& what);

  const Fitted& chosen() const { return chosen_; }  ///< its model: the initial weights

 private:
  Result<ClientScores> ScoreAfter(int epochs, const ModelEvaluation& what);

  Experiment& experiment_;
  std::stop_token stop_;
  Fitted chosen_;
};

}  // namespace rondo::sim
