#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "tests/model/fixture.h"

/// The fold of a GPU, on the CPU, beside the fold of the CPU.
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
    options.fold_on_device = on_device;
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

}  // namespace
}  // namespace rondo
