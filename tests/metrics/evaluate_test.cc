#include "common/metrics/evaluate.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "common/core/rng.h"
#include "common/metrics/baselines/baseline.h"
#include "tests/metrics/hand_made.h"

namespace rondo {
namespace {

using testing::FunctionScorer;
using testing::HandMadeDataset;
using testing::HandMadeUser;

constexpr int kItems = 200;

struct RandomData {
  std::vector<HandMadeUser> users;
  std::vector<TestRows> test;
};

// Every user has 10 distinct training items, one validation and one test item.
RandomData MakeRandomData(int users) {
  RandomData data;
  Rng rng({.seed = 3, .purpose = Purpose::kGenerator});
  std::vector<ItemRow> items(kItems);
  std::iota(items.begin(), items.end(), 1);
  for (int user = 0; user < users; ++user) {
    rng.Shuffle(std::span(items));
    data.users.push_back({.train = {items.begin(), items.begin() + 10}, .validation = {items[10]}});
    data.test.push_back({.rows = {items[11]}, .times = {99.0}});
  }
  return data;
}

MetricTable Evaluate(Scorer& scorer,
                     const Dataset& dataset,
                     const std::vector<TestRows>* test,
                     const EvaluationOptions& options) {
  const std::vector<UserMetrics> users =
      EvaluateUsers(scorer,
                    dataset,
                    AllUsers(dataset),
                    test != nullptr ? Split::kTest : Split::kValidation,
                    test,
                    options)
          .value();
  return MeanOverUsers(MetricNames(options).value(), users);
}

TEST(EvaluateTest, ConstantScorerGivesChance) {
  const RandomData data = MakeRandomData(50);
  const Dataset dataset = HandMadeDataset(kItems, data.users);
  FunctionScorer constant([](History, ItemRow) { return 0.25F; });
  const MetricTable table = Evaluate(constant, dataset, &data.test, {});
  EXPECT_EQ(table.users, 50U);
  EXPECT_NEAR(*table.Find("full/hr@10"), 10.0 / (kItems - 11), 1e-9);
  EXPECT_NEAR(*table.Find("sampled99/hr@10"), 0.1, 1e-9);
}

TEST(EvaluateTest, ClientThatLearnsNothingGivesChance) {
  // A random but fixed score an item, whatever the data: what an untrained model does.
  const RandomData data = MakeRandomData(2000);
  const Dataset dataset = HandMadeDataset(kItems, data.users);
  FunctionScorer untrained([](History, ItemRow row) {
    return static_cast<float>(HashId(std::to_string(row)) % 100003);
  });
  const MetricTable table = Evaluate(untrained, dataset, &data.test, {});
  EXPECT_NEAR(*table.Find("full/hr@10"), 10.0 / (kItems - 11), 0.02);
  EXPECT_NEAR(*table.Find("sampled99/hr@10"), 0.1, 0.02);
}

TEST(EvaluateTest, NanScoresAreWorstAndCounted) {
  const RandomData data = MakeRandomData(5);
  const Dataset dataset = HandMadeDataset(kItems, data.users);
  FunctionScorer broken([](History, ItemRow) { return std::numeric_limits<float>::quiet_NaN(); });
  const MetricTable table = Evaluate(broken, dataset, &data.test, {});
  EXPECT_EQ(*table.Find("full/hr@10"), 0.0);
  EXPECT_EQ(*table.Find("sampled99/hr@10"), 0.0);
  EXPECT_EQ(table.nans, 5U * kItems);
}

TEST(EvaluateTest, TargetOnlyEventsAreNeverInAHistory) {
  Dataset dataset = HandMadeDataset(9, {{.train = {1, 2, 3}, .validation = {4, 5}}});
  constexpr EventRole kBoth = EventRole::kBoth;
  constexpr EventRole kTarget = EventRole::kTarget;
  dataset.users[0].roles = {EventRole::kInput, kTarget, kBoth, kTarget, kBoth};
  const std::vector<TestRows> test = {
      {.rows = {6, 7, 8}, .times = {5, 6, 7}, .roles = {kBoth, kTarget, kTarget}}};
  std::vector<std::vector<ItemRow>> asked;
  FunctionScorer recorder([&](History history, ItemRow row) {
    if (row == 0) {
      asked.emplace_back(history.begin(), history.end());
    }
    return 0.0F;
  });
  Evaluate(recorder, dataset, nullptr, {});
  EXPECT_EQ(asked, (std::vector<std::vector<ItemRow>>{{1, 3}, {1, 3}}));
  asked.clear();
  Evaluate(recorder, dataset, &test, {});
  EXPECT_EQ(asked, (std::vector<std::vector<ItemRow>>{{1, 3, 5}, {1, 3, 5, 6}, {1, 3, 5, 6}}));
}

TEST(EvaluateTest, HeldOutInputsAreSeenAndNeverPredicted) {
  constexpr EventRole kInput = EventRole::kInput;
  constexpr EventRole kTarget = EventRole::kTarget;
  Dataset dataset =
      HandMadeDataset(9, {{.train = {1}, .validation = {2, 3}}, {.train = {1}, .validation = {2}}});
  dataset.users[0].roles = {kInput, kInput, kTarget};
  dataset.users[1].roles = {kInput, kInput};
  const std::vector<TestRows> test = {
      {.rows = {4, 5, 6}, .times = {5, 6, 7}, .roles = {kInput, kTarget, kInput}}, {}};
  std::vector<std::vector<ItemRow>> asked;
  FunctionScorer recorder([&](History history, ItemRow row) {
    if (row == 0) {
      asked.emplace_back(history.begin(), history.end());
    }
    return 0.0F;
  });
  EXPECT_EQ(Evaluate(recorder, dataset, nullptr, {}).users, 1U) << "clicks alone give no number";
  EXPECT_EQ(asked, (std::vector<std::vector<ItemRow>>{{1, 2}}));
  asked.clear();
  EXPECT_EQ(Evaluate(recorder, dataset, &test, {}).users, 1U);
  EXPECT_EQ(asked, (std::vector<std::vector<ItemRow>>{{1, 2, 4}}));
}

TEST(EvaluateTest, TheFilterCoversEverythingMetButNeverTheTarget) {
  Dataset dataset = HandMadeDataset(9, {{.train = {1, 2}, .validation = {3, 3}}});
  dataset.users[0].roles = {
      EventRole::kInput, EventRole::kTarget, EventRole::kTarget, EventRole::kTarget};
  dataset.users[0].negatives = {4, 5};
  FunctionScorer first_best([](History, ItemRow row) { return row == 3 ? 0.0F : 1.0F; });
  // Left of nine items: 3, 6, 7, 8, 9; the target scores lowest.
  const EvaluationOptions options{.protocols = {"full", "sampled:4"}, .k = {4, 5}};
  const MetricTable table = Evaluate(first_best, dataset, nullptr, options);
  EXPECT_EQ(*table.Find("full/hr@4"), 0.0);
  EXPECT_EQ(*table.Find("full/hr@5"), 1.0);
  EXPECT_EQ(*table.Find("full/mrr@5"), 0.2);
  EXPECT_EQ(*table.Find("sampled4/hr@4"), 0.0);
  EXPECT_NEAR(*table.Find("sampled4/mrr@5"), 0.2, 1e-12);
}

TEST(EvaluateTest, HistoryAtTestIncludesValidationAndEarlierTestEvents) {
  const Dataset dataset = HandMadeDataset(9, {{.train = {1, 2}, .validation = {3, 0}}});
  const std::vector<TestRows> test = {{.rows = {4, 0, 5}, .times = {4, 5, 6}}};
  std::vector<std::vector<ItemRow>> asked;
  FunctionScorer recorder([&](History history, ItemRow row) {
    if (row == 0) {
      asked.emplace_back(history.begin(), history.end());
    }
    return static_cast<float>(row == 4 || row == 5);
  });
  const std::vector<std::uint32_t> users = {0};
  const std::vector<UserMetrics> metrics =
      EvaluateUsers(
          recorder, dataset, users, Split::kTest, &test, {.protocols = {"full"}, .k = {1}})
          .value();
  const std::vector<std::vector<ItemRow>> expected = {{1, 2, 3}, {1, 2, 3, 4}, {1, 2, 3, 4}};
  EXPECT_EQ(asked, expected);
  ASSERT_EQ(metrics.size(), 1U);
  EXPECT_EQ(metrics[0].targets, 3U);
  // Item 4 first among ties of two, the unknown item a miss, item 5 first alone (4 is seen by
  // then).
  EXPECT_NEAR(metrics[0].values[0], (0.5 + 0.0 + 1.0) / 3.0, 1e-12);
}

TEST(EvaluateTest, ValidationNeverNeedsTestRows) {
  const Dataset dataset =
      HandMadeDataset(9, {{.train = {1, 2}, .validation = {3}}, {.train = {4, 5}}});
  FunctionScorer scorer(
      [](History history, ItemRow row) { return static_cast<float>(row == history.back() + 1); });
  const std::vector<UserMetrics> metrics =
      EvaluateUsers(scorer, dataset, AllUsers(dataset), Split::kValidation, nullptr, {}).value();
  ASSERT_EQ(metrics.size(), 1U);  // the second user has no target
  EXPECT_EQ(metrics[0].values[0], 1.0);
  const std::vector<TestRows> test(2);
  EXPECT_EQ(
      EvaluateUsers(scorer, dataset, AllUsers(dataset), Split::kValidation, &test, {}).error().code,
      ErrorCode::kInvalidArgument);
  EXPECT_EQ(
      EvaluateUsers(scorer, dataset, AllUsers(dataset), Split::kTest, nullptr, {}).error().code,
      ErrorCode::kInvalidArgument);
}

TEST(EvaluateTest, BatchSizeChangesNothing) {
  const RandomData data = MakeRandomData(40);
  const Dataset dataset = HandMadeDataset(kItems, data.users);
  FunctionScorer scorer([](History history, ItemRow row) {
    return static_cast<float>((static_cast<int>(history.back()) * 7 + row * 13) % 31);
  });
  const MetricTable large = Evaluate(scorer, dataset, &data.test, {.batch = 256});
  for (const std::size_t batch : {std::size_t{1}, std::size_t{7}, std::size_t{40}}) {
    EXPECT_EQ(Evaluate(scorer, dataset, &data.test, {.batch = batch}).means, large.means) << batch;
  }
}

TEST(EvaluateTest, RelabellingAllItemsChangesNoMetric) {
  RandomData data = MakeRandomData(60);
  // A few shared items, so that the baselines have something to count.
  for (std::size_t user = 0; user < data.users.size(); ++user) {
    for (ItemRow& row : data.users[user].train) {
      row = 1 + row % 40;
    }
  }
  std::vector<ItemRow> relabel(kItems + 1);
  std::iota(relabel.begin(), relabel.end(), 0);
  Rng rng({.seed = 5, .purpose = Purpose::kGenerator});
  rng.Shuffle(std::span(relabel).subspan(1));
  RandomData other = data;
  const auto apply = [&](std::vector<ItemRow>& rows) {
    for (ItemRow& row : rows) {
      row = relabel[static_cast<std::size_t>(row)];
    }
  };
  for (std::size_t user = 0; user < other.users.size(); ++user) {
    apply(other.users[user].train);
    apply(other.users[user].validation);
    apply(other.test[user].rows);
  }
  const Dataset dataset = HandMadeDataset(kItems, data.users);
  const Dataset relabelled = HandMadeDataset(kItems, other.users);
  for (const std::string name : {"popularity", "markov1", "item_knn"}) {
    const std::unique_ptr<Scorer> a = MakeBaseline(name, dataset, 1).value();
    const std::unique_ptr<Scorer> b = MakeBaseline(name, relabelled, 1).value();
    Exposure shown_a(kItems, 10);
    Exposure shown_b(kItems, 10);
    const MetricTable table_a = Evaluate(*a, dataset, &data.test, {.exposure = &shown_a});
    const MetricTable table_b = Evaluate(*b, relabelled, &other.test, {.exposure = &shown_b});
    for (std::size_t i = 0; i < table_a.means.size(); ++i) {
      EXPECT_NEAR(table_a.means[i], table_b.means[i], 1e-12) << name << " " << table_a.names[i];
    }
    EXPECT_EQ(shown_a.Coverage(), shown_b.Coverage());
    EXPECT_NEAR(shown_a.Gini(), shown_b.Gini(), 1e-12);
  }
}

TEST(EvaluateTest, MeansOverUsersAndInstitutionsDiffer) {
  const std::vector<UserMetrics> users = {
      {.user = 0, .values = {1.0}}, {.user = 1, .values = {0.0}}, {.user = 3, .values = {0.0}}};
  const std::vector<ClientShard> shards = {
      {.id = "a", .users = {0}}, {.id = "b", .users = {1, 3}}, {.id = "c", .users = {2}}};
  EXPECT_NEAR(MeanOverUsers({"full/hr@5"}, users).means[0], 1.0 / 3.0, 1e-15);
  const MetricTable over = MeanOverInstitutions({"full/hr@5"}, users, shards);
  EXPECT_NEAR(over.means[0], 0.5, 1e-15);  // "c" has no scored user
  EXPECT_EQ(over.users, 3U);
}

TEST(EvaluateTest, UnknownBaselineGetsASuggestion) {
  const Dataset dataset = HandMadeDataset(3, {{.train = {1, 2, 3}}});
  const Error error = MakeBaseline("popularty", dataset, 1).error();
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_NE(error.message.find("did you mean 'popularity'"), std::string::npos) << error.message;
}

TEST(EvaluateTest, MarkovIsRefusedWithoutAnOrder) {
  Dataset dataset = HandMadeDataset(3, {{.train = {1, 2, 3}}});
  dataset.ordered = false;
  EXPECT_EQ(MakeBaseline("markov1", dataset, 1).error().code, ErrorCode::kUnsupported);
  EXPECT_TRUE(MakeBaseline("item_knn", dataset, 1));
}

TEST(EvaluateTest, BprMfIsReproducibleAndLearnsGroups) {
  // Two groups of users with items of their own; one item of the group is held out.
  std::vector<HandMadeUser> users;
  for (int user = 0; user < 40; ++user) {
    HandMadeUser& hand_made = users.emplace_back();
    for (ItemRow item = 0; item < 10; ++item) {
      const ItemRow row = 1 + item + (user % 2 == 0 ? 0 : 10);
      (item == user / 2 % 10 ? hand_made.validation : hand_made.train).push_back(row);
    }
  }
  const Dataset dataset = HandMadeDataset(20, users);
  const std::unique_ptr<Scorer> first = MakeBaseline("bpr_mf", dataset, 7).value();
  const std::unique_ptr<Scorer> again = MakeBaseline("bpr_mf", dataset, 7).value();
  const EvaluationOptions options{.protocols = {"full"}, .k = {1}};
  const MetricTable table = Evaluate(*first, dataset, nullptr, options);
  EXPECT_EQ(table.means, Evaluate(*again, dataset, nullptr, options).means);
  EXPECT_GT(*table.Find("full/hr@1"), 0.9);
}

TEST(EvaluateTest, MergedExposuresEqualOneOverAll) {
  const std::vector<float> a = {0.0F, 3.0F, 2.0F, 2.0F};
  const std::vector<float> b = {0.0F, 1.0F, 2.0F, 5.0F};
  Exposure both(3, 2);
  both.Add(a, {});
  both.Add(b, {});
  Exposure first(3, 2);
  Exposure second(3, 2);
  first.Add(a, {});
  second.Add(b, {});
  first.Merge(second);
  EXPECT_TRUE(std::equal(both.shown().begin(), both.shown().end(), first.shown().begin()));
}

TEST(EvaluateTest, NamesFollowProtocolAndK) {
  const std::vector<std::string> names =
      MetricNames({.protocols = {"full", "sampled:99"}, .k = {5}}).value();
  ASSERT_EQ(names.size(), 14U);
  EXPECT_EQ(names[1], "full/ndcg@5");
  EXPECT_EQ(names[13], "sampled99/map@5");
  EXPECT_EQ(MetricNames({.protocols = {"sampled:0"}}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(MetricNames({.protocols = {"sampled:9x"}}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(MetricNames({.protocols = {"all"}}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(MetricNames({.k = {0}}).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace rondo
