#include "common/model/trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "common/core/rng.h"
#include "common/federated/steps_block.h"
#include "tests/model/fixture.h"

namespace rondo {
namespace {

using testing::OwnedClient;
using testing::Views;

constexpr std::int64_t kItems = 40;

ModelConfig SmallModel(const std::vector<std::string>& attention) {
  return {.width = 8, .blocks = 2, .heads = 2, .history = 12, .attention = attention};
}

std::vector<OwnedClient> Clients(std::size_t count, std::size_t most_sequences) {
  return testing::RandomClients(count, most_sequences, kItems / 2);
}

/// Once with blocks that have kernels of their own, once with blocks made of LibTorch's operations.
class Trainer : public ::testing::TestWithParam<std::vector<std::string>> {
 protected:
  Trainer()
      : model_(SmallModel(GetParam())),
        broadcast_{.model = InitialParameters(ModelLayout(model_, kItems).value(), 4)} {}

  Result<CohortOutcome> TrainWith(const EngineConfig& engine,
                                  const std::vector<OwnedClient>& clients,
                                  const TrainTask& task,
                                  UpdateVisibility visibility) {
    auto trainer =
        CohortTrainer::Create({.model = model_, .items = kItems, .engine = engine}).value();
    const std::vector<ClientData> views = Views(clients);
    return trainer->Train(broadcast_, views, task, visibility, {});
  }

  CohortOutcome Train(const std::vector<OwnedClient>& clients,
                      const TrainTask& task,
                      UpdateVisibility visibility = UpdateVisibility::kIndividual,
                      int threads = 2) {
    return TrainWith({.threads = threads, .device = "cpu"}, clients, task, visibility).value();
  }

  bool IsKeyBias(std::size_t coordinate) const {
    for (const ParameterEntry& entry : broadcast_.model.layout->entries()) {
      if (coordinate >= entry.offset && coordinate < entry.offset + entry.size) {
        return entry.name.ends_with("key.bias");
      }
    }
    return false;
  }

  ModelConfig model_;
  Broadcast broadcast_;
};

INSTANTIATE_TEST_SUITE_P(Blocks,
                         Trainer,
                         ::testing::Values(std::vector<std::string>{"multi_head"},
                                           std::vector<std::string>{"multi_head", "bilinear"}),
                         [](const auto& blocks) {
                           return blocks.param.size() == 1 ? "Fused" : "Plain";
                         });

std::vector<TrainTask> Tasks() {
  std::vector<TrainTask> tasks;
  for (const std::string loss : {"softmax", "sampled_softmax", "bce"}) {
    for (const std::string optimizer : {"sgd", "adam"}) {
      TrainTask task;
      task.round = 3;
      task.dropout = 0.3;
      task.proximal_mu = 0.1;
      task.client = {.epochs = 2,
                     .batch_size = 2,
                     .optimizer = optimizer,
                     .learning_rate = 0.05,
                     .loss = loss,
                     .negatives = 2};
      tasks.push_back(task);
    }
  }
  return tasks;
}

TEST_P(Trainer, AClientAloneDoesWhatItDoesInACohort) {
  const std::vector<OwnedClient> clients = Clients(7, 4);
  for (const TrainTask& task : Tasks()) {
    const bool adam = task.client.optimizer == "adam";
    const CohortOutcome together = Train(clients, task);
    ASSERT_EQ(together.deltas.size(), clients.size());
    for (std::size_t c = 0; c < clients.size(); ++c) {
      const CohortOutcome alone = Train({clients[c]}, task);
      ASSERT_EQ(alone.deltas.size(), 1U);
      for (std::size_t i = 0; i < alone.deltas[0].size(); ++i) {
        if (adam && IsKeyBias(i)) {
          continue;  // Its true gradient is zero: Adam follows rounding noise.
        }
        ASSERT_NEAR(together.deltas[c][i], alone.deltas[0][i], adam ? 1e-4 : 5e-6)
            << task.client.loss << " " << task.client.optimizer << " client " << c << " coordinate "
            << i;
      }
      EXPECT_NEAR(alone.clients[0].loss, together.clients[c].loss, 1e-5);
    }
  }
}

TEST_P(Trainer, ThreadsAndOrderChangeNoBit) {
  std::vector<OwnedClient> clients = Clients(90, 3);
  for (TrainTask task : Tasks()) {
    for (const bool ring : {false, true}) {
      task.grid = MakeGrid({.grid = ring ? "ring" : "exact"}, 1024, clients.size()).value();
      const auto sum = [&](int threads) {
        return Train(clients, task, UpdateVisibility::kSumOnly, threads).sum.blocks.at(0).values;
      };
      const std::vector<std::int64_t> one = sum(1);
      EXPECT_EQ(sum(2), one);
      std::reverse(clients.begin(), clients.end());
      EXPECT_EQ(sum(4), one);
    }
  }
}

TEST_P(Trainer, TheSumIsThatOfFoldingEachDelta) {
  const std::vector<OwnedClient> clients = Clients(9, 3);
  for (TrainTask task : Tasks()) {
    task.clip_norm = 0.05;
    const CohortOutcome singles = Train(clients, task);
    const CohortOutcome sum = Train(clients, task, UpdateVisibility::kSumOnly);
    GridBlock folded = MakeBlock("delta", broadcast_.model.layout, task.grid, Scaling::kByWeight);
    std::uint64_t weight = 0;
    for (std::size_t c = 0; c < clients.size(); ++c) {
      ASSERT_TRUE(
          FoldDense(folded, singles.deltas[c], singles.clients[c].weight, nullptr).has_value());
      weight += singles.clients[c].weight;
      double squares = 0.0;
      for (const float value : singles.deltas[c]) {
        squares += static_cast<double>(value) * value;
      }
      EXPECT_LE(std::sqrt(squares), 0.05);
    }
    EXPECT_EQ(sum.sum.blocks.at(0).values, folded.values);
    EXPECT_EQ(sum.sum.weight, weight);
    EXPECT_EQ(sum.sum.contributors, clients.size());
  }
}

TEST_P(Trainer, SharedWeightsGiveTheSumOfSingleSteps) {
  const std::vector<OwnedClient> clients = Clients(40, 3);
  for (TrainTask task : Tasks()) {
    if (task.client.optimizer != "sgd") {
      continue;
    }
    task.client.epochs = 1;
    task.client.batch_size = 8;
    const CohortOutcome singles = Train(clients, task);
    for (const bool ring : {false, true}) {
      task.grid = MakeGrid({.grid = ring ? "ring" : "exact"}, 1024, clients.size()).value();
      const CohortOutcome shared = Train(clients, task, UpdateVisibility::kSumOnly);
      const std::vector<double> got = GridToReal(shared.sum.blocks.at(0));
      const auto total = static_cast<double>(shared.sum.weight);
      for (std::size_t i = 0; i < got.size(); ++i) {
        double want = 0.0;
        for (std::size_t c = 0; c < clients.size(); ++c) {
          want += static_cast<double>(singles.deltas[c][i])
                  * static_cast<double>(singles.clients[c].weight);
        }
        ASSERT_NEAR(got[i] / total, want / total, 1e-5) << task.client.loss << " coordinate " << i;
      }
      EXPECT_EQ(shared.clients.at(0).update_norm, 0.0) << "packs did not share weights";
      for (std::size_t c = 0; c < clients.size(); ++c) {
        EXPECT_NEAR(shared.clients[c].loss, singles.clients[c].loss, 1e-5);
      }
    }
  }
}

TEST_P(Trainer, NormalisedUpdatesAreDividedByTheStepsThatAreSummedBesideThem) {
  const std::vector<OwnedClient> clients = Clients(5, 7);
  TrainTask task;
  task.client = {.epochs = 2, .batch_size = 2, .learning_rate = 0.1, .loss = "bce"};
  task.grid = MakeGrid({}, 1024, clients.size()).value();
  const CohortOutcome plain = Train(clients, task);
  task.normalise = true;
  const CohortOutcome singles = Train(clients, task);
  CohortOutcome summed = Train(clients, task, UpdateVisibility::kSumOnly);

  std::uint64_t least = ~std::uint64_t{0};
  std::uint64_t most = 0;
  double weighted = 0.0;
  for (std::size_t c = 0; c < clients.size(); ++c) {
    const ClientReport& report = plain.clients[c];
    least = std::min(least, report.steps);
    most = std::max(most, report.steps);
    weighted += static_cast<double>(report.steps * report.weight);
    for (std::size_t i = 0; i < plain.deltas[c].size(); ++i) {
      ASSERT_NEAR(singles.deltas[c][i] * static_cast<float>(report.steps),
                  plain.deltas[c][i],
                  1e-6 + 1e-5 * std::abs(plain.deltas[c][i]));
    }
  }
  ASSERT_LT(least, most);
  EXPECT_NEAR(TakeSteps(summed.sum).value(), weighted, 1e-3);
  ASSERT_EQ(summed.sum.blocks.size(), 1U);
}

TEST_P(Trainer, ADivergedClientFailsAloneAndLeavesNoTrace) {
  std::vector<OwnedClient> clients = Clients(12, 2);
  // Only this client looks up row 40, which holds NaN, so the others stay sound under a sampled
  // loss.
  broadcast_.model.values[static_cast<std::size_t>(kItems) * 8] =
      std::numeric_limits<float>::quiet_NaN();
  clients[5].sequences.push_back({3, 40, 4});
  for (OwnedClient& client : clients) {
    for (const auto& rows : client.sequences) {
      client.negatives.emplace_back(rows.size() - 1, 30);
    }
  }
  std::vector<OwnedClient> others = clients;
  others.erase(others.begin() + 5);
  TrainTask task;
  task.client = {.batch_size = 8, .learning_rate = 0.05, .loss = "bce"};

  for (const int steps : {1, 3}) {
    task.client.steps = steps;
    const CohortOutcome all = Train(clients, task, UpdateVisibility::kSumOnly);
    const CohortOutcome rest = Train(others, task, UpdateVisibility::kSumOnly);

    ASSERT_EQ(all.failed.size(), 1U);
    EXPECT_EQ(all.failed[0].first, "client5");
    EXPECT_EQ(all.failed[0].second.code, ErrorCode::kDiverged);
    EXPECT_EQ(all.sum.contributors, 11U);
    EXPECT_EQ(all.sum.weight, rest.sum.weight);
    const std::vector<double> a = GridToReal(all.sum.blocks.at(0));
    const std::vector<double> b = GridToReal(rest.sum.blocks.at(0));
    const auto total = static_cast<double>(rest.sum.weight);
    for (std::size_t i = 0; i < a.size(); ++i) {
      ASSERT_NEAR(a[i] / total, b[i] / total, 1e-6) << i;
    }
  }
}

TEST_P(Trainer, ACohortThatCannotTrainGivesAnEmptySum) {
  std::vector<OwnedClient> clients = Clients(3, 1);
  for (OwnedClient& client : clients) {
    client.sequences = {{7}};
  }
  const CohortOutcome outcome = Train(clients, TrainTask{}, UpdateVisibility::kSumOnly);
  EXPECT_TRUE(outcome.clients.empty());
  EXPECT_EQ(outcome.failed.size(), 3U);
  EXPECT_EQ(outcome.sum.contributors, 0U);
}

TEST_P(Trainer, ReportsClientsThatCannotTrainAndCancels) {
  std::vector<OwnedClient> clients = Clients(3, 1);
  clients[1].sequences = {{7}};
  const CohortOutcome outcome = Train(clients, TrainTask{});
  EXPECT_EQ(outcome.clients.size(), 2U);
  ASSERT_EQ(outcome.failed.size(), 1U);
  EXPECT_EQ(outcome.failed[0].first, "client1");

  std::stop_source stop;
  stop.request_stop();
  auto trainer =
      CohortTrainer::Create({.model = model_, .items = kItems, .engine = {.device = "cpu"}})
          .value();
  const auto views = Views(clients);
  EXPECT_EQ(
      trainer->Train(broadcast_, views, TrainTask{}, UpdateVisibility::kSumOnly, stop.get_token())
          .error()
          .code,
      ErrorCode::kCancelled);

  auto other = CohortTrainer::Create({.model = model_, .items = kItems + 1}).value();
  EXPECT_EQ(
      other->Train(broadcast_, views, TrainTask{}, UpdateVisibility::kSumOnly, {}).error().code,
      ErrorCode::kInvalidArgument);
}

TEST_P(Trainer, TrainingLowersTheLoss) {
  const std::vector<OwnedClient> clients = Clients(6, 3);
  for (const std::string loss : {"softmax", "sampled_softmax", "bce"}) {
    TrainTask task;
    task.client = {.steps = 1, .learning_rate = 0.2, .loss = loss, .negatives = 3};
    const CohortOutcome first = Train(clients, task);
    task.client.steps = 60;
    const CohortOutcome last = Train(clients, task);
    for (std::size_t c = 0; c < clients.size(); ++c) {
      EXPECT_LT(last.clients[c].loss, 0.8 * first.clients[c].loss) << loss;
    }
  }
}

TEST_P(Trainer, AWatchedTrainingIsOneTrainingWithOneOptimiser) {
  const std::vector<OwnedClient> clients = Clients(4, 4);
  const ClientData client = clients[3].View();
  auto trainer =
      CohortTrainer::Create({.model = model_, .items = kItems, .engine = {.device = "cpu"}})
          .value();
  for (TrainTask task : Tasks()) {
    task.client.epochs = 8;
    std::vector<int> looks;
    std::vector<float> shown;
    const auto watch = [&](int epochs, const ParameterVector& model) {
      looks.push_back(epochs);
      shown = model.values;
      return epochs < 6;
    };

    ASSERT_TRUE(trainer->Fit(broadcast_, client, task, 2, watch, {}).has_value());

    EXPECT_EQ(looks, (std::vector<int>{2, 4, 6}));
    if (task.client.loss != "softmax") {
      continue;  // Fewer epochs draw fewer negatives, and Adam moves every row that a task holds.
    }
    task.client.epochs = 6;
    const CohortOutcome whole = Train({clients[3]}, task);
    for (std::size_t i = 0; i < shown.size(); ++i) {
      ASSERT_EQ(shown[i], broadcast_.model.values[i] + whole.deltas[0][i]) << i;
    }
  }
}

TEST_P(Trainer, ScoresDoNotDependOnTheBatch) {
  const CohortTrainer::Options options{
      .model = model_, .items = kItems, .engine = {.device = "cpu"}};
  auto scorer = MakeModelScorer(options, broadcast_.model).value();
  std::vector<std::vector<ItemRow>> rows = {
      {5}, {1, 2, 3}, {}, std::vector<ItemRow>(30, 9), {4, 4, 8, 1, 2, 20, 33}};
  const std::vector<History> histories(rows.begin(), rows.end());
  const auto width = static_cast<std::size_t>(kItems + 1);
  std::vector<float> together(histories.size() * width);
  ASSERT_TRUE(scorer->Score(histories, together).has_value());

  for (std::size_t h = 0; h < histories.size(); ++h) {
    std::vector<float> alone(width);
    ASSERT_TRUE(scorer->Score(std::span(histories).subspan(h, 1), alone).has_value());
    for (std::size_t row = 1; row < width; ++row) {
      ASSERT_TRUE(std::isfinite(alone[row]));
      EXPECT_NEAR(alone[row], together[h * width + row], 1e-5);
    }
  }
  const ItemRow foreign = static_cast<ItemRow>(kItems + 1);
  const std::vector<History> bad = {History(&foreign, 1)};
  std::vector<float> out(width);
  EXPECT_EQ(scorer->Score(bad, out).error().code, ErrorCode::kInvalidArgument);
}

TEST(PrepareTorch, NamesItsDeviceAndBlas) {
  const DeviceInfo info = PrepareTorch({.device = "cpu"}).value();
  EXPECT_EQ(info.device, "cpu");
  EXPECT_FALSE(info.blas.empty());
  EXPECT_EQ(PrepareTorch({.device = "tpu"}).error().code, ErrorCode::kInvalidArgument);
  for (const std::string precision : {"tf32", "bfloat16"}) {
    const auto refused = PrepareTorch({.device = "cpu", .precision = precision});
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(refused.error().message.find(precision), std::string::npos);
  }
}

}  // namespace
}  // namespace rondo
