// The traditional baselines on MovieLens 100K, leave-one-out, against figures computed with numpy.
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "common/metrics/baselines/baseline.h"
#include "common/metrics/evaluate.h"
#include "tests/metrics/hand_made.h"

namespace rondo {
namespace {

class MovielensTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* root = std::getenv("RONDO_DATA");  // NOLINT(concurrency-mt-unsafe)
    if (root == nullptr) {
      GTEST_SKIP() << "RONDO_DATA names no folder with data sets";
    }
    const std::filesystem::path path = std::filesystem::path(root) / "ml-100k";
    if (!std::filesystem::exists(path)) {
      GTEST_SKIP() << path << " does not exist";
    }
    Result<LoadedData> loaded = LoadData({.path = path});
    ASSERT_TRUE(loaded) << loaded.error().message;
    data_ = std::move(loaded).value();
    test_ = &data_.test.Open();
  }

  MetricTable Test(Scorer& scorer) const {
    const EvaluationOptions options;
    const std::vector<UserMetrics> users =
        EvaluateUsers(scorer, data_.dataset, AllUsers(data_.dataset), Split::kTest, test_, options)
            .value();
    return MeanOverUsers(MetricNames(options).value(), users);
  }

  MetricTable TestBaseline(const std::string& name) const {
    return Test(*MakeBaseline(name, data_.dataset, 1).value());
  }

  LoadedData data_;
  const std::vector<TestRows>* test_ = nullptr;
};

TEST_F(MovielensTest, Popularity) {
  const MetricTable table = TestBaseline("popularity");
  EXPECT_EQ(table.users, 943U);
  EXPECT_NEAR(*table.Find("full/hr@10"), 0.0848, 0.002);
  EXPECT_NEAR(*table.Find("full/ndcg@10"), 0.0437, 0.002);
  EXPECT_NEAR(*table.Find("sampled99/hr@10"), 0.4077, 0.002);
  EXPECT_NEAR(*table.Find("sampled99/ndcg@10"), 0.2270, 0.002);
}

TEST_F(MovielensTest, Markov1) {
  const MetricTable table = TestBaseline("markov1");
  EXPECT_NEAR(*table.Find("full/hr@10"), 0.144, 0.002);
  EXPECT_NEAR(*table.Find("full/ndcg@10"), 0.075, 0.002);
}

TEST_F(MovielensTest, ItemKnn) {
  const MetricTable table = TestBaseline("item_knn");
  EXPECT_NEAR(*table.Find("full/hr@10"), 0.1188, 0.001);
  EXPECT_NEAR(*table.Find("full/ndcg@10"), 0.0614, 0.001);
  // Without the validation event in its history, the published figures.
  const std::unique_ptr<Scorer> knn = MakeBaseline("item_knn", data_.dataset, 1).value();

  struct WithoutLast : Scorer {
    explicit WithoutLast(Scorer& inner) : inner_(inner) {}

    Status Score(std::span<const History> histories, std::span<float> scores) override {
      std::vector<History> shorter;
      for (const History& history : histories) {
        shorter.push_back(history.first(history.size() - 1));
      }
      return inner_.Score(shorter, scores);
    }

    Scorer& inner_;
  } without_last(*knn);

  const MetricTable shorter = Test(without_last);
  EXPECT_NEAR(*shorter.Find("full/hr@10"), 0.1113, 0.001);
  EXPECT_NEAR(*shorter.Find("full/ndcg@10"), 0.0594, 0.001);
}

TEST_F(MovielensTest, BprMf) {
  const MetricTable table = TestBaseline("bpr_mf");
  EXPECT_NEAR(*table.Find("full/ndcg@10"), 0.0701, 0.004);
  EXPECT_NEAR(*table.Find("sampled99/hr@10"), 0.6533, 0.01);
}

}  // namespace
}  // namespace rondo
