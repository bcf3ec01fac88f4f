// Compares with files that scripts/reference/metrics_golden.py computed with numpy and exact
// fractions.
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "common/metrics/baselines/item_knn.h"
#include "common/metrics/baselines/markov1.h"
#include "common/metrics/baselines/popularity.h"
#include "common/metrics/exposure.h"
#include "common/metrics/list_metrics.h"
#include "common/metrics/rank.h"
#include "tests/metrics/hand_made.h"

namespace rondo {
namespace {

std::string GoldenPath(const std::string& name) {
  return std::string(RONDO_GOLDEN_DIR "/") + name;
}

template <typename T>
T Next(std::istream& in) {
  T value{};
  in >> value;
  return value;
}

template <typename T>
std::vector<T> NextList(std::istream& in, std::size_t size) {
  std::vector<T> values(size);
  for (T& value : values) {
    in >> value;
  }
  return values;
}

std::vector<ItemRow> NextRows(std::istream& in) {
  const auto size = Next<std::size_t>(in);
  return NextList<ItemRow>(in, size);
}

void ExpectMetrics(const TargetMetrics& actual, const std::vector<double>& expected) {
  EXPECT_NEAR(actual.hr, expected[0], 1e-10);
  EXPECT_NEAR(actual.ndcg, expected[1], 1e-10);
  EXPECT_NEAR(actual.mrr, expected[2], 1e-10);
}

TEST(MetricsGoldenTest, RanksAndExpectationsOverTiesAndDraws) {
  std::ifstream in(GoldenPath("rank.txt"));
  std::size_t rows = 0;
  int cases = 0;
  while (in >> rows) {
    const auto target = Next<ItemRow>(in);
    const auto negatives = Next<std::uint32_t>(in);
    const auto k = Next<int>(in);
    const std::vector<float> scores = NextList<float>(in, rows);
    const std::vector<ItemRow> seen = NextRows(in);
    const Rank rank = RankTarget(scores, target, seen);
    EXPECT_EQ(rank.greater, Next<std::uint32_t>(in));
    EXPECT_EQ(rank.ties, Next<std::uint32_t>(in));
    EXPECT_EQ(rank.candidates, Next<std::uint32_t>(in));
    ExpectMetrics(MetricsAt(FullPositions(rank, k), k), NextList<double>(in, 3));
    ExpectMetrics(MetricsAt(SampledPositions(rows)(rank, negatives, k), k),
                  NextList<double>(in, 3));
    ++cases;
  }
  EXPECT_EQ(cases, 60);
}

TEST(MetricsGoldenTest, CoverageGiniAndNovelty) {
  std::ifstream in(GoldenPath("exposure.txt"));
  const auto items = Next<std::size_t>(in);
  const auto lists = Next<int>(in);
  Exposure exposure(static_cast<std::int64_t>(items), Next<int>(in));
  const auto users = Next<std::uint64_t>(in);
  const std::vector<std::uint32_t> item_users = NextList<std::uint32_t>(in, items + 1);
  const std::vector<double> expected = NextList<double>(in, 3);
  for (int i = 0; i < lists; ++i) {
    const std::vector<float> scores = NextList<float>(in, items + 1);
    exposure.Add(scores, NextRows(in));
  }
  EXPECT_NEAR(exposure.Coverage(), expected[0], 1e-12);
  EXPECT_NEAR(exposure.Gini(), expected[1], 1e-12);
  EXPECT_NEAR(exposure.Novelty(item_users, users), expected[2], 1e-12);
}

TEST(MetricsGoldenTest, FinishedLists) {
  const Recommendations lists =
      ReadRecommendations(GoldenPath("lists/recommendations.tsv")).value();
  const Truth truth = ReadTruth(GoldenPath("lists/truth.tsv")).value();
  const std::vector<int> k = {1, 5, 10};
  const ListMetrics scored = ScoreLists(lists, truth, k).value();
  std::ifstream in(GoldenPath("lists/expected.txt"));
  EXPECT_EQ(Next<std::string>(in), "users");
  EXPECT_EQ(scored.users, Next<std::uint64_t>(in));
  ASSERT_EQ(scored.metrics.size(), 21U);
  for (const auto& [name, value] : scored.metrics) {
    EXPECT_EQ(name, Next<std::string>(in));
    EXPECT_NEAR(value, Next<double>(in), 1e-12) << name;
  }
}

struct BaselineCase {
  Dataset dataset;
  ItemKnn::Options knn;
};

BaselineCase ReadSequences() {
  std::ifstream in(GoldenPath("baselines/sequences.txt"));
  const auto users = Next<int>(in);
  const auto items = Next<int>(in);
  const auto neighbours = Next<int>(in);
  const auto shrink = Next<double>(in);
  std::vector<testing::HandMadeUser> sequences;
  for (int user = 0; user < users; ++user) {
    // Held-out rows must not be counted: a strange last event shows a leak.
    sequences.push_back({.train = NextRows(in), .validation = {1}});
  }
  return {.dataset = testing::HandMadeDataset(items, sequences),
          .knn = {.neighbours = neighbours, .shrink = shrink}};
}

void ExpectScores(Scorer& scorer, const std::string& name) {
  std::ifstream in(GoldenPath("baselines/" + name));
  const auto histories = Next<std::size_t>(in);
  const auto rows = Next<std::size_t>(in);
  ASSERT_EQ(histories, 10U);
  for (std::size_t i = 0; i < histories; ++i) {
    const std::vector<ItemRow> history = NextRows(in);
    const History view(history);
    std::vector<float> scores(rows);
    ASSERT_TRUE(scorer.Score({&view, 1}, scores));
    const std::vector<double> expected = NextList<double>(in, rows);
    for (std::size_t row = 1; row < rows; ++row) {
      EXPECT_NEAR(scores[row], expected[row], 1e-5) << name << " history " << i << " row " << row;
    }
  }
}

TEST(MetricsGoldenTest, BaselineScores) {
  const BaselineCase golden = ReadSequences();
  Popularity popularity(CountItems(golden.dataset));
  ExpectScores(popularity, "popularity.txt");
  Markov1 markov(CountTransitions(golden.dataset), CountItems(golden.dataset));
  ExpectScores(markov, "markov1.txt");
  ItemKnn knn = ItemKnn::Fit(golden.dataset, golden.knn);
  ExpectScores(knn, "item_knn.txt");
}

}  // namespace
}  // namespace rondo
