#include <numeric>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "common/model/local_training.h"
#include "tests/model/fixture.h"

/// How many clients are trained in one tensor operation is a matter of speed alone.
namespace rondo {
namespace {

using testing::OwnedClient;

constexpr std::int64_t kItems = 60;
constexpr std::size_t kClients = 32;

class PackSizeTest : public ::testing::TestWithParam<std::tuple<std::string, int>> {
 protected:
  PackSizeTest() {
    task_.client = {.steps = std::get<1>(GetParam()),
                    .batch_size = std::get<1>(GetParam()) == 1 ? 8 : 2,
                    .learning_rate = 0.1,
                    .loss = std::get<0>(GetParam()),
                    .negatives = 3};
    task_.dropout = 0.2;
    model_ = {.width = 8, .blocks = 2, .heads = 2, .history = 12};
  }

  /// The model after three rounds of server SGD with packs of so many clients.
  std::vector<float> Train(std::size_t pack_size) {
    ParameterVector model = InitialParameters(ModelLayout(model_, kItems).value(), 4);
    for (RoundId round = 1; round <= 3; ++round) {
      task_.round = round;
      std::vector<double> move(model.values.size(), 0.0);
      double weight = 0.0;
      std::vector<ClientPlan> plans;
      for (std::size_t c = 0; c < kClients; ++c) {
        plans.push_back(PlanClient(owned_[c].View(), c, model_, task_, kItems).value());
        weight += static_cast<double>(plans.back().weight);
      }
      for (std::size_t begin = 0; begin < kClients; begin += pack_size) {
        std::vector<const ClientPlan*> members;
        for (std::size_t c = begin; c < begin + pack_size; ++c) {
          members.push_back(&plans[c]);
        }
        AddPack(model, members, move);
      }
      for (std::size_t i = 0; i < move.size(); ++i) {
        model.values[i] += static_cast<float>(move[i] / weight);
      }
    }
    return model.values;
  }

  void AddPack(const ParameterVector& model,
               const std::vector<const ClientPlan*>& members,
               std::vector<double>& move) {
    Pack pack(members, false, kItems, task_);
    const RoundContext context{.model = &model_,
                               .layout = model.layout.get(),
                               .task = &task_,
                               .items = kItems,
                               .loss = FindLoss(task_.client.loss).value(),
                               .base = ToTensors(model, at::kCPU)};
    const PackResult result = TrainPack(context, pack, {}).value();
    for (std::size_t member = 0; member < members.size(); ++member) {
      const auto group = static_cast<std::int64_t>(member);
      const std::span<const ItemRow> table = pack.table(group);
      for (std::size_t i = 0; i < result.delta.size(); ++i) {
        const ParameterEntry& entry = model.layout->entries()[i];
        const at::Tensor own = result.delta[i][group].contiguous();
        const bool slice = entry.name == "item.weight" && !table.empty();
        const std::int64_t count = slice ? std::ssize(table) * model_.width : own.numel();
        for (std::int64_t at = 0; at < count; ++at) {
          const std::int64_t to =
              slice ? table[static_cast<std::size_t>(at / model_.width)] * model_.width
                          + at % model_.width
                    : at;
          move[entry.offset + static_cast<std::size_t>(to)] +=
              static_cast<double>(members[member]->weight)
              * static_cast<double>(own.data_ptr<float>()[at]);
        }
      }
    }
  }

  std::vector<OwnedClient> owned_ = testing::RandomClients(kClients, 4, kItems / 2);
  TrainTask task_;
  ModelConfig model_;
};

TEST_P(PackSizeTest, PacksOfOneAndOf32AgreeAfterThreeRounds) {
  const std::vector<float> one = Train(1);
  const std::vector<float> all = Train(kClients);
  const std::vector<float> start = InitialParameters(ModelLayout(model_, kItems).value(), 4).values;
  double moved = 0.0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    ASSERT_NEAR(one[i], all[i], 1e-6) << "coordinate " << i;
    moved = std::max(moved, static_cast<double>(std::abs(one[i] - start[i])));
  }
  EXPECT_GT(moved, 1e-2);
}

INSTANTIATE_TEST_SUITE_P(Training,
                         PackSizeTest,
                         ::testing::Combine(::testing::Values("softmax", "sampled_softmax", "bce"),
                                            ::testing::Values(1, 4)),
                         [](const auto& chosen) {
                           return std::get<0>(chosen.param) + "_"
                                  + std::to_string(std::get<1>(chosen.param)) + "_steps";
                         });

}  // namespace
}  // namespace rondo
