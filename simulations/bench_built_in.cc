#include <algorithm>
#include <memory>

#include "common/core/rng.h"
#include "common/data/dataset.h"
#include "coordinator/strategy.h"
#include "simulations/bench_workload.h"

namespace rondo::sim {
namespace {

// w3: many users, a large catalogue, and a loss that does not look at all of it.
constexpr std::uint64_t kStreamedUsers = 100'000;
constexpr std::int64_t kStreamedItems = 50'000;
constexpr std::uint64_t kInterests = 500;
constexpr std::uint64_t kItemsAnInterest = kStreamedItems / kInterests;
constexpr std::uint64_t kShortest = 10;
constexpr std::uint64_t kLongest = 90;
constexpr std::uint64_t kSeed = 3;

/// One user's events: four of five from the user's own interest.
std::vector<ItemRow> MakeSequence(std::uint64_t user) {
  Rng rng({.seed = kSeed, .client = user, .purpose = Purpose::kGenerator});
  const std::uint64_t interest = rng.Below(kInterests);
  std::vector<ItemRow> rows(kShortest + rng.Below(kLongest - kShortest + 1));
  for (ItemRow& row : rows) {
    const bool own = rng.Below(5) > 0;
    row = static_cast<ItemRow>(1
                               + (own ? interest * kItemsAnInterest + rng.Below(kItemsAnInterest)
                                      : rng.Below(kStreamedItems)));
  }
  return rows;
}

/// Makes the clients of a round when they are asked for; holds one round at a time.
class UserStream {
 public:
  explicit UserStream(std::size_t cohort) : sequences_(cohort) {}

  std::vector<ClientData> Cohort(std::size_t round) {
    std::vector<ClientData> clients(sequences_.size());
    for (std::size_t i = 0; i < clients.size(); ++i) {
      const std::uint64_t user = (round * clients.size() + i) % kStreamedUsers;
      sequences_[i] = MakeSequence(user);
      clients[i].id = "user-" + std::to_string(user);
      clients[i].sequences.emplace_back(sequences_[i]);
    }
    return clients;
  }

 private:
  std::vector<std::vector<ItemRow>> sequences_;
};

/// The task that a federation of this scenario would be given.
Status TakeTask(BenchWorkload& workload, const Scenario& scenario, std::size_t cohort) {
  RONDO_TRY(const auto strategy, coordinator::Strategy::Create(scenario));
  const bool uniform = scenario.strategy.weighting == "uniform";
  const std::uint64_t most = uniform ? 1 : scenario.strategy.max_weight;
  RONDO_TRY(const GridSpec grid, MakeGrid(scenario.privacy, most, cohort));
  workload.task = strategy->PlanTraining(1, grid);
  workload.model = scenario.model;
  workload.strategy = scenario.strategy;
  workload.units_per_round = cohort;
  RONDO_TRY(workload.initial.layout, ModelLayout(scenario.model, workload.items));
  workload.initial = InitialParameters(workload.initial.layout, scenario.seed);
  return Ok();
}

/// One local step over all of a client's positions, so that the clients of a pack share weights.
ClientConfig OneStep(std::string loss) {
  return {.steps = 1, .batch_size = 1024, .learning_rate = 1.0, .loss = std::move(loss)};
}

}  // namespace

Result<BenchWorkload> MakeStreamedWorkload(std::size_t cohort) {
  if (cohort == 0 || cohort > kStreamedUsers) {
    return Fail(ErrorCode::kInvalidArgument,
                "--cohort must be 1 to " + std::to_string(kStreamedUsers) + " for w3");
  }
  Scenario scenario;
  scenario.model = {.width = 64, .blocks = 2, .heads = 1, .history = 50, .dropout = 0.0};
  scenario.client = OneStep("sampled_softmax");
  scenario.client.negatives = 256;
  scenario.strategy.weighting = "uniform";
  BenchWorkload workload{.name = "w3", .items = kStreamedItems};
  RONDO_TRY_STATUS(TakeTask(workload, scenario, cohort));
  workload.cohort = [stream = std::make_shared<UserStream>(cohort)](std::size_t round) {
    return stream->Cohort(round);
  };
  return workload;
}

Scenario MovieLensScenario(const std::filesystem::path& folder) {
  Scenario scenario;
  scenario.data.path = folder;
  scenario.data.format = "recbole";
  scenario.data.ties = "file";
  scenario.model = {.width = 64, .blocks = 2, .heads = 1, .history = 200, .dropout = 0.2};
  scenario.client = OneStep("softmax");
  scenario.strategy.name = "fedadam";
  scenario.strategy.server_optimizer = "adam";
  scenario.strategy.server_learning_rate = 2e-3;
  scenario.strategy.weighting = "positions";
  return scenario;
}

Result<BenchWorkload> MakeMovieLensWorkload(const std::filesystem::path& folder,
                                            std::size_t cohort) {
  const Scenario scenario = MovieLensScenario(folder);
  RONDO_TRY(LoadedData loaded, LoadData(scenario.data));
  const auto data = std::make_shared<const LoadedData>(std::move(loaded));
  const std::size_t users = data->dataset.users.size();
  if (cohort == 0 || cohort > users) {
    return Fail(ErrorCode::kInvalidArgument,
                "--cohort must be 1 to " + std::to_string(users) + " for w4");
  }
  BenchWorkload workload{.name = "w4", .items = data->dataset.catalogue->items()};
  RONDO_TRY_STATUS(TakeTask(workload, scenario, cohort));
  workload.cohort = [data, users, cohort](std::size_t round) {
    std::vector<ClientData> clients(cohort);
    for (std::size_t i = 0; i < cohort; ++i) {
      const std::size_t user = (round * cohort + i) % users;
      clients[i].id = "user-" + std::to_string(user);
      clients[i].Add(data->dataset.users[user]);
    }
    return clients;
  };
  return workload;
}

}  // namespace rondo::sim
