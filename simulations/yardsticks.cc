#include "simulations/yardsticks.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/metrics/evaluate.h"

namespace rondo::sim {
namespace {

constexpr const char* kSelect = "full/ndcg@10";

EvaluationOptions Validation(const Experiment& experiment) {
  return {
      .protocols = {"full"}, .k = {10}, .filter_seen = experiment.scenario.evaluation.filter_seen};
}

TrainTask TaskOf(const Scenario& scenario, int epochs) {
  TrainTask task{.round = 1,
                 .seed = scenario.seed,
                 .data_seed = scenario.data.seed,
                 .client = scenario.client,
                 .dropout = scenario.model.dropout};
  task.client.epochs = epochs;
  task.client.steps = 0;
  return task;
}

double MeanNdcg(const std::vector<std::string>& names, const std::vector<UserMetrics>& users) {
  return MeanOverUsers(names, users).Find(kSelect).value_or(0.0);
}

std::vector<std::uint32_t> UsersOfClients(const Experiment& experiment) {
  std::set<std::uint32_t> users;
  for (const ClientShard& shard : experiment.shards) {
    users.insert(shard.users.begin(), shard.users.end());
  }
  return {users.begin(), users.end()};
}

}  // namespace

Result<Fitted> FitCentral(Experiment& experiment,
                          const EpochBudget& budget,
                          const std::stop_token& stop) {
  const Dataset& dataset = experiment.data.dataset;
  const EvaluationOptions options = Validation(experiment);
  RONDO_TRY(const std::vector<std::string> names, MetricNames(options));
  const std::vector<std::uint32_t> users = UsersOfClients(experiment);
  const ClientShard everybody{.id = "central", .users = users};
  Fitted best{.model = InitialParameters(experiment.layout, experiment.scenario.seed)};
  const ParameterVector start = best.model;
  Status judged;
  int since_best = 0;
  const auto watch = [&](int epochs, const ParameterVector& model) {
    const Result<std::vector<UserMetrics>> scored = EvaluateModel({.options = experiment.model,
                                                                   .model = model,
                                                                   .dataset = dataset,
                                                                   .users = users,
                                                                   .evaluation = options,
                                                                   .stop = stop});
    if (!scored) {
      judged = Fail(scored.error());
      return false;
    }
    const double ndcg = MeanNdcg(names, *scored);
    best.trained = epochs;
    ++since_best;
    if (ndcg > best.ndcg) {
      best.ndcg = ndcg;
      best.model = model;
      best.epochs = epochs;
      since_best = 0;
    }
    return budget.patience == 0 || since_best < budget.patience;
  };
  RONDO_TRY_STATUS(experiment.trainer->Fit({.model = start},
                                           DataOf(everybody, dataset),
                                           TaskOf(experiment.scenario, budget.most),
                                           budget.every,
                                           watch,
                                           stop));
  RONDO_TRY_STATUS(judged);
  return best;
}

LocalModels::LocalModels(Experiment& experiment, std::stop_token stop)
    : experiment_(experiment),
      stop_(std::move(stop)),
      chosen_{.model = InitialParameters(experiment.layout, experiment.scenario.seed)} {}

Status LocalModels::Choose(const EpochBudget& budget) {
  const EvaluationOptions options = Validation(experiment_);
  RONDO_TRY(const std::vector<std::string> names, MetricNames(options));
  const std::vector<std::uint32_t> users = UsersOfClients(experiment_);
  int since_best = 0;
  for (int epochs = budget.every; epochs <= budget.most; epochs *= 2) {
    RONDO_TRY(const ClientScores scores,
              ScoreAfter(epochs,
                         {.options = experiment_.model,
                          .model = chosen_.model,
                          .dataset = experiment_.data.dataset,
                          .users = users,
                          .evaluation = options,
                          .stop = stop_}));
    const double ndcg = MeanNdcg(names, scores.users);
    chosen_.trained = epochs;
    ++since_best;
    if (ndcg > chosen_.ndcg) {
      chosen_.ndcg = ndcg;
      chosen_.epochs = epochs;
      since_best = 0;
    }
    if (budget.patience > 0 && since_best >= budget.patience) {
      break;
    }
  }
  return Ok();
}

Result<ClientScores> LocalModels::Score(const ModelEvaluation& what) {
  return ScoreAfter(chosen_.epochs, what);
}

Result<ClientScores> LocalModels::ScoreAfter(int epochs, const ModelEvaluation& what) {
  // Deltas of so many clients are held at a time.
  constexpr std::size_t kClientsAtOnce = 32;
  const std::vector<ClientShard>& shards = experiment_.shards;
  const TrainTask task = TaskOf(experiment_.scenario, epochs);
  const ParameterVector& start = chosen_.model;
  ClientScores scores;
  std::set<std::uint32_t> rest(what.users.begin(), what.users.end());
  const auto score = [&](const ParameterVector& model,
                         std::span<const std::uint32_t> users) -> Status {
    ModelEvaluation own{.options = what.options,
                        .model = model,
                        .dataset = what.dataset,
                        .users = users,
                        .split = what.split,
                        .test = what.test,
                        .evaluation = what.evaluation,
                        .stop = what.stop};
    RONDO_TRY(const std::vector<UserMetrics> scored, EvaluateModel(own));
    scores.users.insert(scores.users.end(), scored.begin(), scored.end());
    return Ok();
  };
  for (std::size_t begin = 0; epochs > 0 && begin < shards.size(); begin += kClientsAtOnce) {
    const std::size_t count = std::min(kClientsAtOnce, shards.size() - begin);
    std::vector<ClientData> clients;
    for (const ClientShard& shard : std::span(shards).subspan(begin, count)) {
      clients.push_back(DataOf(shard, what.dataset));
    }
    RONDO_TRY(const CohortOutcome outcome,
              experiment_.trainer->Train(
                  {.model = start}, clients, task, UpdateVisibility::kIndividual, stop_));
    if (!outcome.failed.empty()) {
      return Fail(outcome.failed.front().second);
    }
    for (std::size_t i = 0; i < count; ++i) {
      ParameterVector model = start;
      for (std::size_t at = 0; at < model.values.size(); ++at) {
        model.values[at] += outcome.deltas[i][at];
      }
      const std::vector<std::uint32_t>& users = shards[begin + i].users;
      RONDO_TRY_STATUS(score(model, users));
      for (const std::uint32_t user : users) {
        rest.erase(user);
      }
    }
  }
  const std::vector<std::uint32_t> others(rest.begin(), rest.end());
  RONDO_TRY_STATUS(score(start, others));
  std::sort(scores.users.begin(),
            scores.users.end(),
            [](const UserMetrics& a, const UserMetrics& b) { return a.user < b.user; });
  return scores;
}

}  // namespace rondo::sim
