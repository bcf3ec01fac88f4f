#pragma once

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/data_source.h"
#include "client/local_work.h"
#include "common/data/dataset.h"
#include "common/metrics/scorer.h"
#include "common/model/trainer.h"

/// Stand-ins for everything below a client's session: no LibTorch, no files.
namespace rondo::client::testing {

inline std::shared_ptr<const Catalogue> SmallCatalogue(int items = 6) {
  std::vector<std::string> ids;
  std::vector<std::vector<std::string>> titles;
  for (int item = 1; item <= items; ++item) {
    ids.push_back("item" + std::to_string(item));
    titles.push_back({"Title " + std::to_string(item)});
  }
  return std::make_shared<const Catalogue>(
      Catalogue::Create(std::move(ids), {"title"}, std::move(titles)).value());
}

inline UserSequence MakeUser(std::string name, std::vector<ItemRow> rows, std::size_t train_size) {
  UserSequence user{.user = std::move(name), .rows = std::move(rows), .train_size = train_size};
  user.times.assign(user.rows.size(), 0.0);
  return user;
}

/// Two users with two or more training rows, and one with a single one.
inline LoadedData SmallLog(std::shared_ptr<const Catalogue> catalogue) {
  LoadedData data;
  data.dataset.catalogue = std::move(catalogue);
  data.dataset.users = {
      MakeUser("ann", {1, 2, 3, 4}, 3), MakeUser("bob", {2, 3, 5}, 2), MakeUser("cid", {4, 6}, 1)};
  data.test = HeldOutTest({{.rows = {5}, .times = {9.0}},
                           {.rows = {1}, .times = {9.0}},
                           {.rows = {2}, .times = {9.0}}});
  return data;
}

class FakeSource : public DataSource {
 public:
  explicit FakeSource(LoadedData data) : data_(std::make_shared<LoadedData>(std::move(data))) {}

  Result<std::shared_ptr<LoadedData>> Current() override {
    ++reads;
    if (error) {
      return Fail(*error);
    }
    return data_;
  }

  void Replace(LoadedData data) { data_ = std::make_shared<LoadedData>(std::move(data)); }

  std::optional<Error> error;
  int reads = 0;

 private:
  std::shared_ptr<LoadedData> data_;
};

/// What every trainer of a test does, and what it was given.
struct TrainerScript {
  float step = 0.5F;                                   ///< every coordinate of the delta
  std::function<void(ParameterVector& delta)> change;  ///< of the delta, if given
  double loss = 1.25;
  std::uint64_t weight = 7;
  std::optional<Error> error;  ///< of the one client
  bool wait_for_stop = false;  ///< trains until it is told to stop

  int calls = 0;
  int fits = 0;
  std::vector<std::vector<ItemRow>> sequences;  ///< of the last call
  TrainTask task;
  std::vector<float> model;
  std::vector<float> correction;
  std::vector<float> personal;

  std::mutex mutex;
  std::condition_variable_any changed;
  bool started = false;
};

class FakeTrainer : public CohortTrainer {
 public:
  explicit FakeTrainer(TrainerScript& script) : script_(script) {}

  Result<CohortOutcome> Train(const Broadcast& broadcast,
                              std::span<const ClientData> clients,
                              const TrainTask& task,
                              UpdateVisibility visibility,
                              std::stop_token stop) override {
    std::unique_lock lock(script_.mutex);
    ++script_.calls;
    script_.task = task;
    script_.model = broadcast.model.values;
    const ClientData& client = clients.front();
    script_.correction.assign(client.correction.begin(), client.correction.end());
    script_.personal.assign(client.personal.begin(), client.personal.end());
    script_.sequences.clear();
    for (const auto& sequence : clients.front().sequences) {
      script_.sequences.emplace_back(sequence.begin(), sequence.end());
    }
    script_.started = true;
    script_.changed.notify_all();
    if (script_.wait_for_stop) {
      script_.changed.wait(lock, stop, [] { return false; });
      return Fail(ErrorCode::kCancelled, "stopped");
    }
    CohortOutcome outcome;
    if (script_.error) {
      outcome.failed.emplace_back(clients.front().id, *script_.error);
      return outcome;
    }
    if (visibility == UpdateVisibility::kIndividual) {
      ParameterVector delta = broadcast.model;
      std::fill(delta.values.begin(), delta.values.end(), script_.step);
      if (script_.change) {
        script_.change(delta);
      }
      outcome.deltas.push_back(std::move(delta.values));
    }
    outcome.clients.push_back({.id = clients.front().id,
                               .weight = script_.weight,
                               .positions = 3,
                               .steps = 2,
                               .loss = script_.loss});
    return outcome;
  }

  /// Every `every` epochs are one call.
  Status Fit(const Broadcast& broadcast,
             const ClientData& /*client*/,
             const TrainTask& task,
             int every,
             const EpochWatch& watch,
             std::stop_token /*stop*/) override {
    ++script_.fits;
    ParameterVector model = broadcast.model;
    for (int epochs = every; epochs <= task.client.epochs; epochs += every) {
      ++script_.calls;
      for (float& value : model.values) {
        value += script_.step;
      }
      if (!watch(epochs, model)) {
        break;
      }
    }
    return Ok();
  }

 private:
  TrainerScript& script_;
};

/// What every scorer of a test was made of.
struct ScorerScript {
  std::vector<std::vector<float>> models;
};

/// Prefers items with high rows.
class RowScorer : public Scorer {
 public:
  explicit RowScorer(std::int64_t items) : width_(static_cast<std::size_t>(items) + 1) {}

  Status Score(std::span<const History> histories, std::span<float> scores) override {
    for (std::size_t index = 0; index < histories.size() * width_; ++index) {
      scores[index] = static_cast<float>(index % width_);
    }
    return Ok();
  }

 private:
  std::size_t width_;
};

/// Work of a session that was set up for SmallCatalogue.
inline LocalWork MakeWork(DataSource& source,
                          TrainerScript& script,
                          ScorerScript* scorers = nullptr,
                          const ClientId& id = "hospital") {
  return LocalWork(
      {.id = id,
       .data = source,
       .catalogue_sha256 = SmallCatalogue()->sha256(),
       .trainers =
           [&script](const CohortTrainer::Options&) -> Result<std::unique_ptr<CohortTrainer>> {
         return std::unique_ptr<CohortTrainer>(std::make_unique<FakeTrainer>(script));
       },
       .scorers = [scorers](const CohortTrainer::Options& options,
                            const ParameterVector& model) -> Result<std::unique_ptr<Scorer>> {
         if (scorers != nullptr) {
           scorers->models.push_back(model.values);
         }
         return std::unique_ptr<Scorer>(std::make_unique<RowScorer>(options.items));
       }});
}

}  // namespace rondo::client::testing
