#include "common/model/ranks.h"

#include <limits>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "tests/model/fixture.h"

namespace rondo {
namespace {

using testing::OwnedClient;
using testing::Views;

constexpr std::int64_t kItems = 40;

/// Ranks that work one after the other in this process, the first at the end. What the others would
/// send waits for it.
class TakingTurns : public Ranks {
 public:
  explicit TakingTurns(int count) : count_(count) {}

  /// The turn of a rank; the first's is the last.
  void Begin(int index) {
    index_ = index;
    next_ = 0;
  }

  int index() const override { return index_; }

  int count() const override { return count_; }

  void Sum(std::span<std::int64_t> numbers) override { Meet(numbers, integers_); }

  void Sum(std::span<double> numbers) override { Meet(numbers, reals_); }

  void Sum(std::span<float> numbers) override { Meet(numbers, reals_); }

  void Share(std::span<float> /*numbers*/) override {}

 private:
  template <typename Number, typename Sent>
  void Meet(std::span<Number> numbers, std::map<std::size_t, std::vector<Sent>>& all) {
    std::vector<Sent>& sent = all[next_++];
    sent.resize(numbers.size(), 0);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      sent[i] += static_cast<Sent>(numbers[i]);
      if (IsFirst()) {
        numbers[i] = static_cast<Number>(sent[i]);
      }
    }
  }

  int count_;
  int index_ = 0;
  std::size_t next_ = 0;  // call of Sum
  std::map<std::size_t, std::vector<std::int64_t>> integers_;
  std::map<std::size_t, std::vector<double>> reals_;
};

struct Case {
  std::string name;
  int steps = 1;
  std::string grid = "exact";
  UpdateVisibility visibility = UpdateVisibility::kSumOnly;
  double learning_rate = 0.05;
};

class RanksTest : public ::testing::TestWithParam<Case> {
 protected:
  RanksTest() : clients_(testing::RandomClients(50, 1, kItems / 2)) {
    model_ = {.width = 8, .blocks = 2, .heads = 2, .history = 12};
    broadcast_.model = InitialParameters(ModelLayout(model_, kItems).value(), 4);
    clients_[7].sequences = {{3}};                            // has nothing to train on
    clients_[11].sequences = {std::vector<ItemRow>(12, 40)};  // meets NaN
    broadcast_.model.values[static_cast<std::size_t>(kItems) * 8] =
        std::numeric_limits<float>::quiet_NaN();
    task_.client = {.steps = GetParam().steps,
                    .batch_size = 8,
                    .learning_rate = GetParam().learning_rate,
                    .loss = "bce",
                    .negatives = 1};
    task_.grid = MakeGrid({.grid = GetParam().grid}, 1024, clients_.size()).value();
    for (OwnedClient& client : clients_) {
      for (const auto& rows : client.sequences) {
        client.negatives.emplace_back(rows.size() - 1, 30);
      }
    }
  }

  /// What the first of so many ranks gets.
  CohortOutcome Train(int ranks) {
    TakingTurns turns(ranks);
    CohortTrainer::Options options{
        .model = model_, .items = kItems, .engine = {.threads = 1, .device = "cpu"}};
    options.ranks = ranks > 1 ? &turns : nullptr;
    auto trainer = CohortTrainer::Create(options).value();
    const auto take_turn = [&](int rank) {
      turns.Begin(rank);
      return trainer->Train(broadcast_, Views(clients_), task_, GetParam().visibility, {}).value();
    };
    for (int rank = ranks - 1; rank > 0; --rank) {
      const CohortOutcome nothing = take_turn(rank);
      EXPECT_TRUE(nothing.clients.empty() && nothing.sum.blocks.empty() && nothing.deltas.empty());
    }
    return take_turn(0);
  }

  std::vector<OwnedClient> clients_;
  ModelConfig model_;
  Broadcast broadcast_;
  TrainTask task_;
};

TEST_P(RanksTest, ChangeNoBitOfWhatTheFirstGets) {
  const CohortOutcome alone = Train(1);
  ASSERT_EQ(alone.clients.size(), 48U);
  EXPECT_EQ(alone.sum.saturated > 0, GetParam().name == "Saturated");
  for (const int ranks : {2, 4}) {
    const CohortOutcome joined = Train(ranks);
    ASSERT_EQ(joined.clients.size(), alone.clients.size());
    for (std::size_t c = 0; c < alone.clients.size(); ++c) {
      EXPECT_EQ(joined.clients[c].id, alone.clients[c].id);
      EXPECT_EQ(joined.clients[c].weight, alone.clients[c].weight);
      EXPECT_EQ(joined.clients[c].positions, alone.clients[c].positions);
      EXPECT_EQ(joined.clients[c].steps, alone.clients[c].steps);
      EXPECT_EQ(joined.clients[c].loss, alone.clients[c].loss);
      EXPECT_EQ(joined.clients[c].update_norm, alone.clients[c].update_norm);
    }
    EXPECT_EQ(joined.deltas, alone.deltas);
    ASSERT_EQ(joined.sum.blocks.size(), alone.sum.blocks.size());
    if (!alone.sum.blocks.empty()) {
      EXPECT_EQ(joined.sum.blocks[0].values, alone.sum.blocks[0].values);
    }
    EXPECT_EQ(joined.sum.weight, alone.sum.weight);
    EXPECT_EQ(joined.sum.contributors, alone.sum.contributors);
    EXPECT_EQ(joined.sum.saturated, alone.sum.saturated);
    ASSERT_EQ(joined.failed.size(), 2U);
    EXPECT_EQ(joined.failed[0].first, "client11");
    EXPECT_EQ(joined.failed[0].second.code, ErrorCode::kDiverged);
    EXPECT_EQ(joined.failed[1].first, "client7");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Clients,
    RanksTest,
    ::testing::Values(Case{.name = "SharedWeights"},
                      Case{.name = "SharedWeightsOnTheRing", .grid = "ring"},
                      Case{.name = "OwnWeights", .steps = 3},
                      Case{.name = "OwnWeightsOnTheRing", .steps = 3, .grid = "ring"},
                      Case{.name = "Saturated", .steps = 3, .learning_rate = 1e3},
                      Case{.name = "SingleUpdates", .visibility = UpdateVisibility::kIndividual}),
    [](const auto& chosen) { return chosen.param.name; });

}  // namespace
}  // namespace rondo
