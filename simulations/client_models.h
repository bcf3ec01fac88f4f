#pragma once

#include <vector>

#include "simulations/client_store.h"
#include "simulations/evaluation.h"

/// The evaluation of clients that have models of their own: their personal parameters, or the
/// model tuned to their rows.
namespace rondo::sim {

/// Whether clients are evaluated each by a model of its own.
bool HasOwnModels(const EvaluateTask& task, const ParameterLayout& model);

struct ClientEvaluation {
  const ModelEvaluation& common;  ///< all but its users, which are those of the clients
  const EvaluateTask& task;
  std::vector<const ClientShard*> clients;
  CohortTrainer& trainer;
  ClientStore* store = nullptr;  ///< null: no client keeps anything
};

/// The rows of a client, as training sees them. Views into `dataset`.
ClientData DataOf(const ClientShard& shard, const Dataset& dataset);

struct ClientScores {
  std::vector<UserMetrics> users;  ///< in ascending order
  /// Clients whose tuning failed, and why: a real one would decline. Their users are scored by the
  /// model before it.
  std::vector<std::pair<ClientId, Error>> untuned;
};

/// Scores every client's users with its own model, on `options.engine.threads` threads, none of
/// which changes the result.
/// Errors  those of EvaluateModel, the store and the trainer.
Result<ClientScores> EvaluateClients(const ClientEvaluation& what);

}  // namespace rondo::sim
