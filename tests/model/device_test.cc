#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "common/metrics/evaluate.h"
#include "tests/metrics/hand_made.h"
#include "tests/model/fixture.h"

/// What a GPU does its own way, on the CPU, beside the way of the CPU.
namespace rondo {
namespace {

using testing::OwnedClient;
using testing::Views;

constexpr std::int64_t kItems = 40;

struct Case {
  std::string name;
  std::string loss = "bce";
  int steps = 1;
  double clip_norm = 0.0;
  double learning_rate = 0.05;
  bool diverges = false;
};

class DeviceFoldTest : public ::testing::TestWithParam<Case> {
 protected:
  DeviceFoldTest() {
    broadcast_.model = InitialParameters(ModelLayout(model_, kItems).value(), 4);
    if (GetParam().diverges) {
      clients_[3].sequences[0] = {5, 40, 6};  // the only one to look at row 40
      broadcast_.model.values[static_cast<std::size_t>(kItems) * 8] =
          std::numeric_limits<float>::quiet_NaN();
    }
    for (OwnedClient& client : clients_) {
      for (const auto& rows : client.sequences) {
        client.negatives.emplace_back(rows.size() - 1, 30);
      }
    }
    task_.client = {.steps = GetParam().steps,
                    .batch_size = 8,
                    .learning_rate = GetParam().learning_rate,
                    .loss = GetParam().loss,
                    .negatives = 1};
    task_.clip_norm = GetParam().clip_norm;
    task_.grid = MakeGrid({}, 1024, clients_.size()).value();
  }

  CohortOutcome Train(bool on_device) {
    CohortTrainer::Options options{
        .model = model_, .items = kItems, .engine = {.threads = 2, .device = "cpu"}};
    options.as_gpu = on_device;
    return CohortTrainer::Create(options)
        .value()
        ->Train(broadcast_, Views(clients_), task_, UpdateVisibility::kSumOnly, {})
        .value();
  }

  ModelConfig model_ = {.width = 8, .blocks = 2, .heads = 2, .history = 12};
  std::vector<OwnedClient> clients_ = testing::RandomClients(40, 3, kItems / 2);
  Broadcast broadcast_;
  TrainTask task_;
};

TEST_P(DeviceFoldTest, GivesTheNumbersOfTheFoldOnTheCpu) {
  const CohortOutcome host = Train(false);
  const CohortOutcome device = Train(true);

  EXPECT_EQ(host.sum.saturated > 0, GetParam().name == "OwnSaturated");
  ASSERT_EQ(device.clients.size(), host.clients.size());
  for (std::size_t c = 0; c < host.clients.size(); ++c) {
    EXPECT_EQ(device.clients[c].id, host.clients[c].id);
    EXPECT_EQ(device.clients[c].weight, host.clients[c].weight);
    EXPECT_EQ(device.clients[c].loss, host.clients[c].loss);
    EXPECT_NEAR(device.clients[c].update_norm,
                host.clients[c].update_norm,
                1e-5 * host.clients[c].update_norm);
  }
  EXPECT_EQ(device.sum.weight, host.sum.weight);
  EXPECT_EQ(device.sum.contributors, host.sum.contributors);
  EXPECT_EQ(device.sum.saturated, host.sum.saturated);
  EXPECT_EQ(device.failed.size(), GetParam().diverges ? 1U : 0U);
  const std::vector<std::int64_t>& want = host.sum.blocks.at(0).values;
  const std::vector<std::int64_t>& got = device.sum.blocks.at(0).values;
  ASSERT_EQ(got.size(), want.size());
  if (GetParam().clip_norm == 0.0) {
    EXPECT_EQ(got, want);
    return;
  }
  // The norms are added up in another order, so that their factors differ in the last bits.
  for (std::size_t i = 0; i < want.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(got[i]),
                static_cast<double>(want[i]),
                2.0 + 1e-5 * std::abs(static_cast<double>(want[i])))
        << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cohorts,
    DeviceFoldTest,
    ::testing::Values(Case{.name = "SharedWeights"},
                      Case{.name = "SharedWholeTable", .loss = "softmax"},
                      Case{.name = "SharedDiverged", .diverges = true},
                      Case{.name = "OwnWeights", .steps = 3},
                      Case{.name = "OwnWholeTable", .loss = "softmax", .steps = 3},
                      Case{.name = "OwnClipped", .steps = 3, .clip_norm = 0.02},
                      Case{.name = "OwnDiverged", .steps = 3, .diverges = true},
                      Case{.name = "OwnSaturated", .steps = 3, .learning_rate = 1e3}),
    [](const auto& chosen) { return chosen.param.name; });

TEST(DeviceRanksTest, AreTheRanksOfTheCpu) {
  const ModelConfig model{.width = 8, .blocks = 1, .heads = 2, .history = 6};
  Dataset dataset = testing::HandMadeDataset(kItems,
                                             {{.train = {5, 9, 2}, .validation = {7}},
                                              {.train = {}, .validation = {3}},
                                              {.train = {1, 1, 4, 30}, .validation = {0}},
                                              {.train = {2, 8}, .validation = {40}},
                                              {.train = {6, 40, 11}, .validation = {2, 12}}});
  for (int extra = 0; extra < 150; ++extra) {  // more than a batch
    dataset.users.push_back(dataset.users[static_cast<std::size_t>(extra % 5)]);
  }
  ParameterVector weights = InitialParameters(ModelLayout(model, kItems).value(), 4);
  std::fill_n(weights.values.begin() + kItems * 8, 8, std::numeric_limits<float>::quiet_NaN());
  std::copy_n(weights.values.begin() + 7 * 8, 8, weights.values.begin() + 13 * 8);  // a tie
  const auto evaluate = [&](bool as_gpu, bool filter_seen) {
    CohortTrainer::Options options{.model = model, .items = kItems, .engine = {.device = "cpu"}};
    options.as_gpu = as_gpu;
    const auto scorer = MakeModelScorer(options, weights).value();
    EXPECT_EQ(scorer->CountsItself(), as_gpu);
    return EvaluateUsers(*scorer,
                         dataset,
                         AllUsers(dataset),
                         Split::kValidation,
                         nullptr,
                         {.filter_seen = filter_seen})
        .value();
  };

  for (const bool filter_seen : {true, false}) {
    const std::vector<UserMetrics> host = evaluate(false, filter_seen);
    const std::vector<UserMetrics> device = evaluate(true, filter_seen);
    double hits = 0.0;
    ASSERT_EQ(device.size(), host.size());
    for (std::size_t i = 0; i < host.size(); ++i) {
      EXPECT_EQ(device[i].user, host[i].user);
      EXPECT_EQ(device[i].nans, host[i].nans);
      EXPECT_GT(host[i].nans, 0U);
      EXPECT_EQ(device[i].values, host[i].values) << "user " << i;
      hits += std::accumulate(host[i].values.begin(), host[i].values.end(), 0.0);
    }
    EXPECT_GT(hits, 0.0);
  }
}

class PrecisionTest : public ::testing::TestWithParam<std::string> {};

TEST_P(PrecisionTest, Bfloat16RoundsFactorsAndKeepsTheUpdate) {
  const ModelConfig model{
      .width = 16, .blocks = 2, .heads = 2, .history = 12, .attention = {GetParam()}};
  std::vector<OwnedClient> clients = testing::RandomClients(20, 3, kItems);
  const Broadcast broadcast{.model = InitialParameters(ModelLayout(model, kItems).value(), 4)};
  const auto train = [&](const std::string& precision) {
    const CohortTrainer::Options options{
        .model = model,
        .items = kItems,
        .engine = {.threads = 2, .device = "cpu", .precision = precision}};
    TrainTask task;
    task.client = {.steps = 2, .batch_size = 8, .learning_rate = 0.1, .loss = "softmax"};
    task.grid = MakeGrid({}, 1024, clients.size()).value();
    const UpdateSum sum = CohortTrainer::Create(options)
                              .value()
                              ->Train(broadcast, Views(clients), task, {}, {})
                              .value()
                              .sum;
    return GridToReal(sum.blocks.at(0));
  };
  const std::vector<double> exact = train("float32");
  const std::vector<double> rounded = train("bfloat16");

  double size = 0.0;
  double apart = 0.0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    size += exact[i] * exact[i];
    apart += (rounded[i] - exact[i]) * (rounded[i] - exact[i]);
  }
  // A factor is off by up to 2^-9 of itself, and some forty of them stand in a row there and back.
  EXPECT_LT(std::sqrt(apart / size), 0.1);
  EXPECT_GT(std::sqrt(apart / size), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Attentions,
                         PrecisionTest,
                         ::testing::Values("multi_head", "dot", "additive", "bilinear"),
                         [](const auto& chosen) { return chosen.param; });

}  // namespace
}  // namespace rondo
