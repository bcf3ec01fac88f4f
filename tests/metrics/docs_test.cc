// Computes every worked example of docs/metrics.md and looks for the result in its text.
#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "common/core/file.h"
#include "common/metrics/baselines/baseline.h"
#include "common/metrics/evaluate.h"
#include "common/metrics/intervals.h"
#include "common/metrics/list_metrics.h"
#include "common/metrics/metrics_block.h"
#include "common/metrics/rank.h"
#include "tests/metrics/hand_made.h"

namespace rondo {
namespace {

class MetricsDocsTest : public ::testing::Test {
 protected:
  // The page holds `label`, directly followed by the value with four decimals.
  void ExpectOnPage(const std::string& label, double value) const {
    char text[32];
    std::snprintf(text, sizeof text, "%.4f", value);
    EXPECT_NE(page_.find(label + text), std::string::npos)
        << "docs/metrics.md lacks \"" << label << text << "\"";
  }

  std::string page_ = ReadTextFile(RONDO_METRICS_PAGE).value();
};

TEST_F(MetricsDocsTest, RankingOneTarget) {
  const std::vector<float> scores = {0.0F, 5.0F, 3.0F, 3.0F, 1.0F, 7.0F};
  const Rank rank = RankTarget(scores, 2, {});
  const TargetMetrics at3 = MetricsAt(FullPositions(rank, 3), 3);
  ExpectOnPage("`hr@3 = ", at3.hr);
  ExpectOnPage("`ndcg@3 = 0.5 / log2(4) = ", at3.ndcg);
  ExpectOnPage("`mrr@3 = 0.5 / 3 = ", at3.mrr);
  ExpectOnPage("`precision@3 = ", at3.precision);
  ExpectOnPage("`f1@3 = ", at3.f1);
  const Rank constant{.ties = 99, .candidates = 100};
  ExpectOnPage("`hr@10 = ", MetricsAt(FullPositions(constant, 10), 10).hr);
  const TargetMetrics sampled = MetricsAt(SampledPositions(5)(rank, 2, 2), 2);
  ExpectOnPage("`hr@2 = ", sampled.hr);
  ExpectOnPage("`ndcg@2 = 1/12 + (7/12) / log2(3) = ", sampled.ndcg);
}

TEST_F(MetricsDocsTest, Means) {
  const std::vector<UserMetrics> users = {
      {.user = 0, .values = {1.0}}, {.user = 1, .values = {0.0}}, {.user = 2, .values = {0.0}}};
  const std::vector<ClientShard> shards = {{.id = "A", .users = {0}}, {.id = "B", .users = {1, 2}}};
  ExpectOnPage("over users ", MeanOverUsers({"hr"}, users).means[0]);
  ExpectOnPage("over institutions ", MeanOverInstitutions({"hr"}, users, shards).means[0]);
}

TEST_F(MetricsDocsTest, BeyondAccuracy) {
  Exposure exposure(4, 2);
  exposure.Add(std::vector<float>{0.0F, 4.0F, 2.0F, 2.0F, 1.0F}, {});
  ExpectOnPage("`coverage = ", exposure.Coverage());
  ExpectOnPage("`gini = ", exposure.Gini());
  const std::vector<std::uint32_t> item_users = {0, 3, 1, 0, 0};
  ExpectOnPage("`novelty = (1 * 0 + 0.5 * 1 + 0.5 * 2) / 2 = ", exposure.Novelty(item_users, 3));
}

TEST_F(MetricsDocsTest, Intervals) {
  std::vector<double> better;
  std::vector<double> worse;
  for (int user = 0; user < 50; ++user) {
    worse.push_back(user / 50.0);
    better.push_back(worse.back() + 0.01);
  }
  const Interval difference = BootstrapDifference(better, worse, {}).value();
  char text[32];
  std::snprintf(text, sizeof text, "%.4f to ", difference.low);
  ExpectOnPage(text, difference.high);
  EXPECT_LT(BootstrapMean(better, {}).value().low, BootstrapMean(worse, {}).value().high);
}

TEST_F(MetricsDocsTest, FederatedEvaluation) {
  const EvaluateTask task{.protocols = {"full"}, .k = {1}};
  const std::vector<UserMetrics> hits(15, {.values = std::vector<double>(7, 1.0)});
  const std::vector<UserMetrics> misses(10, {.values = std::vector<double>(7, 0.0)});
  UpdateSum sum = SumMetrics(hits, task).value();
  EXPECT_FALSE(MetricMeans(sum).value().has_value());
  ASSERT_TRUE(sum.Add(SumMetrics(misses, task).value()));
  ExpectOnPage("`hr = 15 / 25 = ", *MetricMeans(sum).value()->Find("full/hr@1"));
}

TEST_F(MetricsDocsTest, Baselines) {
  const Dataset dataset =
      testing::HandMadeDataset(3, {{.train = {1, 2, 3}}, {.train = {1, 2}}, {.train = {2, 3}}});
  const std::vector<ItemRow> rows = {1};
  const History history(rows);
  std::vector<float> scores(4);
  ASSERT_TRUE(MakeBaseline("popularity", dataset, 1).value()->Score({&history, 1}, scores));
  EXPECT_EQ(scores[1], 2.0F);
  EXPECT_EQ(scores[2], 3.0F);
  EXPECT_EQ(scores[3], 2.0F);
  ASSERT_TRUE(MakeBaseline("markov1", dataset, 1).value()->Score({&history, 1}, scores));
  ExpectOnPage("`b` scores `2 + 3/4 = ", scores[2]);
  EXPECT_EQ(scores[1], scores[3]);
  ExpectOnPage("`a` and `c` tie at ", scores[3]);
  ASSERT_TRUE(MakeBaseline("item_knn", dataset, 1).value()->Score({&history, 1}, scores));
  ExpectOnPage("`sim(a, b) = 2 / sqrt(6) * 2 / 22 = ", scores[2]);
}

TEST_F(MetricsDocsTest, FinishedLists) {
  const Recommendations lists = {
      {"u",
       {{.item = "b", .score = 1.0}, {.item = "x", .score = 3.0}, {.item = "a", .score = 2.0}}}};
  const std::vector<int> k = {3};
  const ListMetrics scored = ScoreLists(lists, {{"u", {"a", "b", "c"}}}, k).value();
  const auto value = [&](const std::string& name) {
    for (const auto& [key, metric] : scored.metrics) {
      if (key == name) {
        return metric;
      }
    }
    return -1.0;
  };
  ExpectOnPage("k = 3: `hr = ", value("hr@3"));
  ExpectOnPage("`ndcg = (0.6309 + 0.5) / 2.1309 = ", value("ndcg@3"));
  ExpectOnPage("`mrr = ", value("mrr@3"));
  ExpectOnPage("`precision = recall = f1 = ", value("f1@3"));
  EXPECT_EQ(value("precision@3"), value("recall@3"));
  ExpectOnPage("`map = (1/2 + 2/3) / 3 = ", value("map@3"));
}

}  // namespace
}  // namespace rondo
