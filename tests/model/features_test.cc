#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/data/item_features.h"
#include "common/model/trainer.h"
#include "tests/model/fixture.h"

namespace rondo {
namespace {

using testing::Golden;
using ::testing::HasSubstr;
using testing::OwnedClient;

constexpr int kClients = 3;
const std::vector<std::string> kColumns = {"class", "genres", "year", "place"};

std::string GoldenPath(const std::string& file) {
  return std::string(RONDO_GOLDEN) + "/" + file;
}

std::shared_ptr<const ItemFeatures> GoldenFeatures() {
  return MakeItemFeatures(Catalogue::Read(GoldenPath("features_catalogue.tsv")).value(), kColumns)
      .value();
}

TEST(ItemFeaturesGolden, NamesAndAmountsAreThoseOfTheReference) {
  const auto features = GoldenFeatures();
  std::vector<std::string> names;
  std::ifstream in(GoldenPath("features_names.txt"));
  for (std::string line; std::getline(in, line);) {
    names.push_back(line);
  }
  ASSERT_EQ(features->names(), names);
  const Golden golden("features_sum");
  const std::vector<double>& matrix = golden.At("matrix");
  const auto values = static_cast<std::size_t>(features->values());
  ASSERT_EQ(matrix.size(), 11 * values);
  for (ItemRow row = 0; row <= 10; ++row) {
    std::vector<double> dense(values, 0.0);
    for (const FeatureValue& entry : features->Of(row)) {
      dense[static_cast<std::size_t>(entry.index)] = static_cast<double>(entry.amount);
    }
    for (std::size_t v = 0; v < values; ++v) {
      EXPECT_NEAR(dense[v], matrix[static_cast<std::size_t>(row) * values + v], 1e-6)
          << names[v] << " of row " << row;
    }
  }
}

class Fusion : public ::testing::TestWithParam<std::string> {
 protected:
  Fusion() : golden_("features_" + GetParam()) {
    const std::vector<ItemRow> sizes = golden_.Rows("items_width_heads_blocks_history_negatives");
    options_ = {.model = {.width = sizes[1],
                          .blocks = sizes[3],
                          .heads = sizes[2],
                          .history = sizes[4],
                          .features = kColumns,
                          .fusion = GetParam()},
                .items = sizes[0],
                .engine = {.threads = 1, .device = "cpu"},
                .features = GoldenFeatures()};
    broadcast_.model = {.layout = LayoutOf(options_).value(), .values = golden_.Floats("weights")};
    for (int c = 0; c < kClients; ++c) {
      const std::string name = "client" + std::to_string(c);
      OwnedClient client{.id = name};
      for (int s = 0; golden_.Has(name + ".rows" + std::to_string(s)); ++s) {
        client.sequences.push_back(golden_.Rows(name + ".rows" + std::to_string(s)));
        client.negatives.push_back(golden_.Rows(name + ".negatives" + std::to_string(s)));
      }
      owned_.push_back(std::move(client));
    }
  }

  /// Plain SGD on all sequences, so that one step of rate 1 moves by the gradient.
  static TrainTask Task(const std::string& loss, int steps, double rate) {
    TrainTask task;
    task.client.loss = loss;
    task.client.negatives = 2;
    task.client.steps = steps;
    task.client.shuffle = false;
    task.client.optimizer = "sgd";
    task.client.learning_rate = rate;
    return task;
  }

  void ExpectSame(std::span<const float> got,
                  const std::vector<double>& want,
                  double factor,
                  const std::string& what) const {
    ASSERT_EQ(got.size(), want.size()) << what;
    for (std::size_t i = 0; i < got.size(); ++i) {
      ASSERT_NEAR(static_cast<double>(got[i]) * factor, want[i], 1e-5) << what << " at " << i;
    }
  }

  Golden golden_;
  CohortTrainer::Options options_;
  Broadcast broadcast_;
  std::vector<OwnedClient> owned_;
};

TEST_P(Fusion, LossesGradientsAndLocalTrainingAreThoseOfPyTorch) {
  auto trainer = CohortTrainer::Create(options_).value();
  for (const std::string loss : {"softmax", "sampled_softmax", "bce"}) {
    for (const int steps : {1, 3}) {
      const CohortOutcome outcome = trainer
                                        ->Train(broadcast_,
                                                testing::Views(owned_),
                                                Task(loss, steps, steps == 1 ? 1.0 : 0.1),
                                                UpdateVisibility::kIndividual,
                                                {})
                                        .value();
      ASSERT_EQ(outcome.deltas.size(), static_cast<std::size_t>(kClients));
      for (std::size_t c = 0; c < kClients; ++c) {
        const std::string name = "client" + std::to_string(c) + "." + loss;
        if (steps == 1) {
          EXPECT_NEAR(outcome.clients[c].loss, golden_.At(name + ".loss")[0], 1e-5) << name;
          ExpectSame(outcome.deltas[c], golden_.At(name + ".gradient"), -1.0, name);
        } else {
          ExpectSame(outcome.deltas[c], golden_.At(name + ".delta"), 1.0, name + " training");
        }
      }
    }
  }
}

TEST_P(Fusion, ScoresAreThoseOfPyTorch) {
  auto scorer = MakeModelScorer(options_, broadcast_.model).value();
  for (int c = 0; c < kClients; ++c) {
    const OwnedClient& client = owned_[static_cast<std::size_t>(c)];
    const std::vector<History> histories(client.sequences.begin(), client.sequences.end());
    std::vector<float> scores(histories.size() * static_cast<std::size_t>(options_.items + 1));
    ASSERT_TRUE(scorer->Score(histories, scores));
    for (std::size_t s = 0; s < histories.size(); ++s) {
      const std::string name = "client" + std::to_string(c) + ".scores" + std::to_string(s);
      ExpectSame(std::span(scores).subspan(s * 11, 11), golden_.At(name), 1.0, name);
    }
  }
}

TEST_P(Fusion, SharedWeightsSumWhatSingleClientsDo) {
  auto trainer = CohortTrainer::Create(options_).value();
  for (const std::string loss : {"softmax", "bce"}) {
    const TrainTask task = Task(loss, 1, 0.5);
    const auto clients = testing::Views(owned_);
    const CohortOutcome sum =
        trainer->Train(broadcast_, clients, task, UpdateVisibility::kSumOnly, {}).value();
    const CohortOutcome singles =
        trainer->Train(broadcast_, clients, task, UpdateVisibility::kIndividual, {}).value();
    const std::vector<double> got = GridToReal(sum.sum.blocks.front());
    for (std::size_t i = 0; i < got.size(); ++i) {
      double want = 0.0;
      for (std::size_t c = 0; c < kClients; ++c) {
        want += static_cast<double>(singles.deltas[c][i])
                * static_cast<double>(singles.clients[c].weight);
      }
      ASSERT_NEAR(got[i], want, 1e-4) << loss << " at " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, Fusion, ::testing::Values("sum", "gate", "concat"));

TEST(Features, TrainerRefusesAModelWhoseFeaturesItDoesNotHave) {
  CohortTrainer::Options options{
      .model = {.width = 4, .features = {"genres"}}, .items = 5, .engine = {.device = "cpu"}};
  const auto trainer = CohortTrainer::Create(options);
  ASSERT_FALSE(trainer.has_value());
  EXPECT_EQ(trainer.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(trainer.error().message, HasSubstr("model.features names 1 columns"));
}

}  // namespace
}  // namespace rondo
