#include <algorithm>
#include <fstream>
#include <limits>
#include <numeric>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/rng.h"
#include "coordinator/aggregators/columns.h"
#include "tests/coordinator/aggregator_rules_fixture.h"

namespace rondo::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// What aggregators_golden.py writes of a result.
std::vector<double> Digest(const std::vector<float>& out) {
  if (out.size() <= 64) {
    return {out.begin(), out.end()};
  }
  double sum = 0.0;
  double turns = 0.0;
  double squares = 0.0;
  for (std::size_t k = 0; k < out.size(); ++k) {
    sum += out[k];
    turns += static_cast<double>(1 + k % 7) * out[k];
    squares += static_cast<double>(out[k]) * out[k];
  }
  return {sum, turns, std::sqrt(squares), out.front(), out.back()};
}

TEST(AggregatorRules, AgreeWithNumpy) {
  std::ifstream file(RONDO_GOLDEN_DIR "/aggregators.txt");
  std::size_t lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    std::istringstream words(line);
    std::string kind;
    std::string pre;
    std::size_t n = 0;
    std::size_t d = 0;
    std::uint32_t seed = 0;
    StrategyConfig config;
    words >> kind >> n >> d >> config.f >> config.tau >> seed >> pre >> config.aggregator;
    if (pre != "none") {
      config.pre = {pre};
    }
    const auto got = Digest(
        Aggregate(MakeUpdates(kind, n, d, static_cast<std::size_t>(config.f), seed), config, 2));
    const std::string where = line.substr(0, 60);
    for (std::size_t k = 0; k < got.size(); ++k) {
      double expected = 0.0;
      ASSERT_TRUE(words >> expected) << where;
      EXPECT_NEAR(got[k], expected, 1e-6 * std::max(1.0, std::abs(expected)))
          << where << ": number " << k;
    }
  }
  EXPECT_GT(lines, 150U);
}

StrategyConfig Config(const std::string& rule, int f = 3) {
  return {.aggregator = rule, .f = f, .tau = 0.75, .iterations = 3};
}

std::vector<std::string> RuleNames() {
  std::vector<std::string> names;
  for (const RuleEntry& rule : Rules()) {
    names.emplace_back(rule.name);
  }
  return names;
}

class EachRule : public ::testing::TestWithParam<std::string> {};

TEST_P(EachRule, GivesTheSameBitsForAnyNumberOfThreads) {
  // Several stripes of several blocks, the last of them not whole.
  const OwnedUpdates updates = MakeUpdates("plain", 17, 70'003, 3, 5);
  for (const std::vector<std::string>& pre :
       std::vector<std::vector<std::string>>{{}, {"nnm"}, {"bucketing", "clipping"}}) {
    StrategyConfig config = Config(GetParam(), 1);
    config.pre = pre;
    const std::vector<float> one = Aggregate(updates, config, 1);
    ASSERT_EQ(one.size(), 70'003U);
    EXPECT_EQ(one, Aggregate(updates, config, 2));
    EXPECT_EQ(one, Aggregate(updates, config, 4));
  }
}

TEST_P(EachRule, DoesNotDependOnTheOrderOfUpdates) {
  // With hostile rows one subset alone has the least diameter.
  const OwnedUpdates updates =
      MakeUpdates(GetParam() == "mda" ? "hostile" : "plain", 17, 300, 3, 6);
  OwnedUpdates turned = updates;
  std::rotate(turned.rows.begin(), turned.rows.begin() + 5, turned.rows.end());
  std::rotate(turned.weights.begin(), turned.weights.begin() + 5, turned.weights.end());
  std::swap(turned.rows[2], turned.rows[11]);
  std::swap(turned.weights[2], turned.weights[11]);

  const std::vector<float> straight = Aggregate(updates, Config(GetParam()));
  const std::vector<float> other = Aggregate(turned, Config(GetParam()));

  for (std::size_t k = 0; k < straight.size(); ++k) {
    ASSERT_NEAR(straight[k], other[k], 1e-7);
  }
}

TEST_P(EachRule, GivesEqualUpdatesBack) {
  const std::vector<float> row = {0.25F, -0.5F, 0.0F, 0.125F};
  const std::vector<float> out = Aggregate(OwnedUpdates(std::vector<std::vector<float>>(15, row)),
                                           {.aggregator = GetParam(), .f = 3});
  for (std::size_t k = 0; k < row.size(); ++k) {
    EXPECT_FLOAT_EQ(out[k], row[k]);
  }
}

TEST_P(EachRule, AnswersForOneUpdateWhateverTheFaults) {
  const std::vector<float> out =
      Aggregate(OwnedUpdates({{0.25F, -0.5F}}), {.aggregator = GetParam(), .f = 9});
  EXPECT_EQ(out, (std::vector<float>{0.25F, -0.5F}));
}

TEST_P(EachRule, StaysNearTheHonestWhateverTheOthersSend) {
  OwnedUpdates updates = MakeUpdates("plain", 17, 40, 0, 8);
  updates.weights.assign(17, 1.0);
  for (std::size_t i : {1U, 7U, 16U}) {
    updates.rows[i].assign(40, 1e30F);
  }
  StrategyConfig config = Config(GetParam());
  config.tau = 4.0;
  const std::vector<float> out = Aggregate(updates, config);
  double square = 0.0;
  for (const float value : out) {
    square += static_cast<double>(value) * value;
  }
  if (GetParam() == "mean") {
    EXPECT_GT(std::sqrt(square), 1e29) << "the mean is not robust";
  } else {
    // Honest updates are at most sqrt(40) / 2 long.
    EXPECT_LT(std::sqrt(square), 4.0);
  }
}

INSTANTIATE_TEST_SUITE_P(All, EachRule, ::testing::ValuesIn(RuleNames()), [](const auto& test) {
  return test.param;
});

TEST(AggregatorRules, TiesGoToTheLowerRow) {
  // Both pairs are equally close, and every column has two values equally far from its median.
  const std::vector<std::vector<float>> rows = {{7, 8, 9}, {4, 5, 6}, {1, 2, 3}};

  EXPECT_EQ(Aggregate(OwnedUpdates(rows), {.aggregator = "krum", .f = 1}), rows[0]);
  for (const char* rule : {"multi_krum", "mda", "meamed"}) {
    EXPECT_EQ(Aggregate(OwnedUpdates(rows), {.aggregator = rule, .f = 1}),
              (std::vector<float>{5.5F, 6.5F, 7.5F}))
        << rule;
  }
}

TEST(RowMedian, AsksOnlyThoseWhoContributeToARow) {
  // A bias, and a table of three rows of 2. Two of five clients move its first row, which is the
  // longest of theirs; the third row moves only by less than the root mean square.
  OwnedUpdates updates({{1, 3, 4, 0, 0, 0, 0},
                        {2, 5, 4, 0, 0, 0.5F, 0.5F},
                        {3, 0, 0, 2, 2, 0, 0},
                        {4, 0, 0, 0, 0, 0, 0},
                        {5, 0.1F, 0, 1, 0, 0, 0}});
  updates.tables = {{.offset = 1, .items = 3, .width = 2}};

  EXPECT_THAT(Aggregate(updates, {.aggregator = "row_median"}),
              ElementsAre(3, 4, 4, 1.5F, 1, 0, 0));
  updates.tables = {};
  EXPECT_THAT(Aggregate(updates, {.aggregator = "row_median"}),
              ElementsAre(3, 0.1F, 0, 0, 0, 0, 0));
}

TEST(AggregatorRules, MixAndClipTheRowsThatPublishedExamplesMixAndClip) {
  Workers workers(1);
  OwnedUpdates mixed({{1, 2, 3}, {4, 5, 6}, {7, 8, 9}});
  OwnedUpdates clipped = mixed;
  const StrategyConfig config{.f = 1, .tau = 2.0};
  Updates view = mixed.View();
  NearestNeighbourMixing(view, {.config = config, .workers = workers});
  view = clipped.View();
  Clipping(view, {.config = config, .workers = workers});

  EXPECT_EQ(mixed.rows,
            (std::vector<std::vector<float>>{
                {2.5F, 3.5F, 4.5F}, {2.5F, 3.5F, 4.5F}, {5.5F, 6.5F, 7.5F}}));
  const std::vector<std::vector<float>> expected = {{0.53452248F, 1.06904497F, 1.60356745F},
                                                    {0.91168461F, 1.13960576F, 1.36752692F},
                                                    {1.00514142F, 1.14873305F, 1.29232469F}};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_NEAR(clipped.rows[i][k], expected[i][k], 1e-6);
    }
  }
}

/// The rows that each bucket holds, from updates that name their row.
std::vector<std::vector<std::size_t>> Buckets(std::size_t n, int size, RoundId round) {
  std::vector<std::vector<float>> rows(n, std::vector<float>(n, 0.0F));
  for (std::size_t i = 0; i < n; ++i) {
    rows[i][i] = 1.0F;
  }
  OwnedUpdates updates(rows);
  Workers workers(1);
  const StrategyConfig config{.bucket_size = size};
  Updates view = updates.View();
  Bucketing(view, {.config = config, .workers = workers, .seed = 3, .round = round});
  std::vector<std::vector<std::size_t>> buckets;
  for (const float* row : view.rows) {
    std::vector<std::size_t>& bucket = buckets.emplace_back();
    for (std::size_t k = 0; k < n; ++k) {
      if (row[k] != 0.0F) {
        bucket.push_back(k);
      }
    }
    for (const std::size_t k : bucket) {
      EXPECT_FLOAT_EQ(row[k], 1.0F / static_cast<float>(bucket.size()));
    }
  }
  return buckets;
}

TEST(Bucketing, PutsEveryUpdateIntoOneBucketOfTheSize) {
  const auto buckets = Buckets(11, 3, 1);
  ASSERT_EQ(buckets.size(), 4U);
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(buckets[i].size(), i < 3 ? 3U : 2U);
    all.insert(all.end(), buckets[i].begin(), buckets[i].end());
  }
  std::sort(all.begin(), all.end());
  std::vector<std::size_t> expected(11);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(all, expected);
}

TEST(Bucketing, DrawsAnewEachRoundAndTheSameForARound) {
  EXPECT_EQ(Buckets(11, 2, 5), Buckets(11, 2, 5));
  EXPECT_NE(Buckets(11, 2, 5), Buckets(11, 2, 6));
}

TEST(SelectionNetwork, PutsTheWantedValuesInOrder) {
  Rng rng({.seed = 1});
  for (std::size_t wires = 1; wires < 70; ++wires) {
    const std::size_t first = rng.Below(wires);
    const std::size_t last = first + 1 + rng.Below(wires - first);
    std::vector<std::uint64_t> values(wires);
    for (std::uint64_t& value : values) {
      value = rng.Below(wires);
    }
    std::vector<std::uint64_t> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    for (const Comparator& comparator : SelectionNetwork(wires, first, last).comparators) {
      if (values[comparator.high] < values[comparator.low]) {
        std::swap(values[comparator.low], values[comparator.high]);
      }
    }
    for (std::size_t i = first; i < last; ++i) {
      EXPECT_EQ(values[i], sorted[i]) << wires << " wires, " << first << " to " << last;
    }
  }
}

TEST(DropNonFinite, NamesRowsAndKeepsTheWeightsOfTheRest) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  OwnedUpdates updates({{1, 2}, {nan, 2}, {3, 4}, {5, -infinity}});
  updates.weights = {1, 2, 3, 4};
  Workers workers(2);
  Updates view = updates.View();

  EXPECT_THAT(DropNonFinite(view, workers), ElementsAre(1, 3));
  EXPECT_THAT(view.weights, ElementsAre(1.0, 3.0));
  EXPECT_EQ(view.rows[1], updates.rows[2].data());
}

std::string Complaint(const StrategyConfig& config, std::size_t updates) {
  const Status checked = CheckRule(config, updates, "the cohort has");
  return checked ? "" : checked.error().message;
}

TEST(CheckRule, KnowsWhatEachRuleNeeds) {
  const std::pair<std::string, std::size_t> cases[] = {{"mean", 1},
                                                       {"median", 7},
                                                       {"trimmed_mean", 7},
                                                       {"meamed", 7},
                                                       {"krum", 9},
                                                       {"multi_krum", 9},
                                                       {"bulyan", 15},
                                                       {"geometric_median", 7},
                                                       {"centered_clipping", 7},
                                                       {"mda", 7},
                                                       {"norm_bounding", 7},
                                                       {"row_median", 7}};
  ASSERT_EQ(std::size(cases), Rules().size());
  for (const auto& [rule, least] : cases) {
    EXPECT_EQ(Complaint(Config(rule), least), "") << rule;
    EXPECT_NE(Complaint(Config(rule), least - 1), "") << rule;
  }
}

TEST(CheckRule, NamesTheNumbers) {
  EXPECT_EQ(Complaint(Config("bulyan", 10), 30),
            "strategy.aggregator: bulyan needs at least 4 f + 3 = 43 updates with f = 10, but the "
            "cohort has 30; lower strategy.f or take more clients a round");
  StrategyConfig buckets = Config("krum", 2);
  buckets.pre = {"bucketing"};
  EXPECT_THAT(
      Complaint(buckets, 12),
      HasSubstr("krum needs at least 2 f + 3 = 7 updates with f = 2, but the cohort has 12, "
                "in 6 buckets"));
  EXPECT_EQ(Complaint(buckets, 13), "");
  StrategyConfig mixed = Config("mean", 4);
  mixed.pre = {"nnm"};
  EXPECT_THAT(Complaint(mixed, 8), HasSubstr("nnm needs at least 2 f + 1 = 9 updates"));
  EXPECT_THAT(Complaint(Config("mda", 10), 50), HasSubstr("10272278170 subsets of 50 updates"));
}

}  // namespace
}  // namespace rondo::coordinator
