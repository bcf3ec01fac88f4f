#include "simulations/client_models.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "common/core/workers.h"
#include "common/federated/vector_math.h"

namespace rondo::sim {
namespace {

/// One client and the model that it is evaluated by.
struct Owner {
  const ClientShard* shard = nullptr;
  ParameterVector model;
};

/// Clients whose models fit into engine.memory_mib together, four vectors each.
std::size_t ClientsTogether(const ClientEvaluation& what) {
  constexpr std::uint64_t kVectors = 4;
  const std::uint64_t each = kVectors * what.common.model.values.size() * sizeof(float);
  const auto memory = static_cast<std::uint64_t>(what.common.options.engine.memory_mib) << 20;
  return static_cast<std::size_t>(std::max<std::uint64_t>(memory / each, 1));
}

Status Tune(const ClientEvaluation& what,
            std::vector<Owner>& owners,
            std::vector<std::pair<ClientId, Error>>& untuned) {
  const Broadcast broadcast{.model = what.common.model, .extra = {}, .sha256 = ""};
  std::vector<ClientData> clients;
  std::map<ClientId, ParameterVector*> models;
  for (Owner& owner : owners) {
    clients.push_back(DataOf(*owner.shard, what.common.dataset));
    clients.back().personal = owner.model.values;
    models[owner.shard->id] = &owner.model;
  }
  const TrainTask task = FineTuneTask(what.task, what.common.options.model.dropout);
  RONDO_TRY(const CohortOutcome outcome,
            what.trainer.Train(
                broadcast, clients, task, UpdateVisibility::kIndividual, what.common.stop));
  untuned.insert(untuned.end(), outcome.failed.begin(), outcome.failed.end());
  for (std::size_t i = 0; i < outcome.clients.size(); ++i) {
    AddScaled(models.at(outcome.clients[i].id)->values, outcome.deltas[i], 1.0);
  }
  return Ok();
}

Result<std::vector<Owner>> MakeModels(const ClientEvaluation& what,
                                      std::span<const ClientShard* const> clients,
                                      std::vector<std::pair<ClientId, Error>>& untuned) {
  std::vector<Owner> owners;
  for (const ClientShard* client : clients) {
    Owner& owner = owners.emplace_back(Owner{.shard = client, .model = what.common.model});
    if (what.store != nullptr) {
      RONDO_TRY(const ClientVectors* const own, what.store->Of(client->id));
      RONDO_TRY(owner.model, PersonalModel(what.common.model, *own));
    }
  }
  if (what.task.fine_tune > 0) {
    RONDO_TRY_STATUS(Tune(what, owners, untuned));
  }
  return owners;
}

/// Each client on one thread.
class Scoring {
 public:
  explicit Scoring(const ClientEvaluation& what) : what_(what), options_(what.common.options) {
    options_.engine.threads = 1;
    options_.ranks = nullptr;
  }

  Status Score(const std::vector<Owner>& owners) {
    std::atomic<std::size_t> next = 0;
    const bool device = options_.engine.device != "cpu";
    Workers workers(device ? 1 : std::max(what_.common.options.engine.threads, 1));
    workers.Run([&] {
      for (std::size_t i = next++; i < owners.size(); i = next++) {
        ScoreOne(owners[i]);
      }
    });
    return status_;
  }

  std::vector<UserMetrics> Take() && {
    std::sort(metrics_.begin(), metrics_.end(), [](const UserMetrics& a, const UserMetrics& b) {
      return a.user < b.user;
    });
    return std::move(metrics_);
  }

 private:
  void ScoreOne(const Owner& owner) {
    std::optional<Exposure> exposure;
    EvaluationOptions evaluation = what_.common.evaluation;
    if (const Exposure* const whole = evaluation.exposure) {
      exposure.emplace(std::ssize(whole->shown()) - 1, whole->k());
      evaluation.exposure = &*exposure;
    }
    Result<std::vector<UserMetrics>> metrics = EvaluateModel({.options = options_,
                                                              .model = owner.model,
                                                              .dataset = what_.common.dataset,
                                                              .users = owner.shard->users,
                                                              .split = what_.common.split,
                                                              .test = what_.common.test,
                                                              .evaluation = evaluation,
                                                              .stop = what_.common.stop});
    const std::scoped_lock lock(mutex_);
    if (!metrics) {
      status_ = Fail(metrics.error());
      return;
    }
    metrics_.insert(metrics_.end(), metrics->begin(), metrics->end());
    if (exposure) {
      what_.common.evaluation.exposure->Merge(*exposure);
    }
  }

  const ClientEvaluation& what_;
  CohortTrainer::Options options_;
  std::mutex mutex_;  // guards what follows
  Status status_;
  std::vector<UserMetrics> metrics_;
};

}  // namespace

bool HasOwnModels(const EvaluateTask& task, const ParameterLayout& model) {
  return task.fine_tune > 0 || PersonalLayout(model) != nullptr;
}

ClientData DataOf(const ClientShard& shard, const Dataset& dataset) {
  ClientData client{.id = shard.id};
  for (const std::uint32_t user : shard.users) {
    client.Add(dataset.users[user]);
  }
  return client;
}

Result<ClientScores> EvaluateClients(const ClientEvaluation& what) {
  Scoring scoring(what);
  ClientScores scores;
  const std::size_t together = ClientsTogether(what);
  const std::span<const ClientShard* const> clients(what.clients);
  for (std::size_t begin = 0; begin < clients.size(); begin += together) {
    RONDO_TRY(const std::vector<Owner> owners,
              MakeModels(what,
                         clients.subspan(begin, std::min(together, clients.size() - begin)),
                         scores.untuned));
    RONDO_TRY_STATUS(scoring.Score(owners));
  }
  scores.users = std::move(scoring).Take();
  return scores;
}

}  // namespace rondo::sim
