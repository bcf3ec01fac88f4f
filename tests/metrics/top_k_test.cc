#include "common/metrics/top_k.h"

#include <cmath>

#include <gtest/gtest.h>

#include "common/core/file.h"
#include "tests/support/temporary_folder.h"

namespace rondo {
namespace {

Catalogue Letters() {
  return Catalogue::Create({"d", "c", "b", "a"}, {"title"}, {{"Dee"}, {"Cee"}, {"Bee"}, {"Ay"}})
      .value();
}

std::vector<ItemRow> Rows(const std::vector<ScoredItem>& items) {
  std::vector<ItemRow> rows;
  for (const ScoredItem& item : items) {
    rows.push_back(item.row);
  }
  return rows;
}

TEST(TopK, OrdersByScoreThenItemIdAndNeverShowsPaddingOrNan) {
  const Catalogue catalogue = Letters();
  const std::vector<float> scores = {99.0F, 1.0F, 2.0F, std::nanf(""), 2.0F};

  const auto items = SelectTop(scores, {}, catalogue, {.k = 10});

  EXPECT_EQ(Rows(items), (std::vector<ItemRow>{4, 2, 1}));  // "a" before "c" at equal scores
}

TEST(TopK, LeavesOutWhatWasMetUnlessAskedNotTo) {
  const Catalogue catalogue = Letters();
  const std::vector<float> scores = {0.0F, 4.0F, 3.0F, 2.0F, 1.0F};
  const std::vector<ItemRow> met = {3, 1};

  EXPECT_EQ(Rows(SelectTop(scores, met, catalogue, {.k = 2})), (std::vector<ItemRow>{2, 4}));
  EXPECT_EQ(Rows(SelectTop(scores, met, catalogue, {.k = 2, .filter_seen = false})),
            (std::vector<ItemRow>{1, 2}));
}

class LastItemScorer : public Scorer {
 public:
  Status Score(std::span<const History> histories, std::span<float> scores) override {
    for (std::size_t index = 0; index < histories.size(); ++index) {
      for (std::size_t row = 0; row < 5; ++row) {
        const bool after_last = static_cast<ItemRow>(row) == histories[index].back() + 1;
        scores[index * 5 + row] = after_last ? 1.0F / 3.0F : 0.0F;
      }
    }
    return Ok();
  }
};

TEST(TopK, WritesOneListAUserAcrossBatches) {
  const testing::TemporaryFolder folder;
  const Catalogue catalogue = Letters();
  LastItemScorer scorer;
  std::vector<UserHistory> users;
  for (int user = 0; user < 600; ++user) {
    const auto row = static_cast<ItemRow>(1 + user % 3);
    users.push_back({.user = "u" + std::to_string(user), .rows = {row}, .met = {row}});
  }

  const auto lines = WriteRecommendations(folder / "r.tsv", scorer, users, catalogue, {.k = 1});

  ASSERT_TRUE(lines.has_value());
  EXPECT_EQ(*lines, 600u);
  const std::string text = ReadTextFile(folder / "r.tsv").value();
  EXPECT_TRUE(text.starts_with("user_id\titem_id\tscore\nu0\tc\t0.33333334\nu1\tb\t"));
  EXPECT_TRUE(text.ends_with("u599\ta\t0.33333334\n"));
}

TEST(TopK, HistoriesTakeTheTestInOnlyWhenGivenAndSkipUnknownItems) {
  Dataset dataset;
  dataset.users = {{.user = "ann", .rows = {1, 2}, .train_size = 1}};
  const std::vector<TestRows> test = {{.rows = {0, 3}}};

  EXPECT_EQ(Histories(dataset)[0].rows, (std::vector<ItemRow>{1, 2}));
  EXPECT_EQ(Histories(dataset, &test)[0].rows, (std::vector<ItemRow>{1, 2, 3}));
}

TEST(TopK, PurchasesAndDislikesAreNotRecommendedAgain) {
  Dataset dataset;
  dataset.users = {{.user = "ann",
                    .rows = {1, 2},
                    .negatives = {3},
                    .roles = {EventRole::kInput, EventRole::kTarget},
                    .train_size = 2}};
  LastItemScorer scorer;
  const std::vector<UserHistory> users = Histories(dataset);
  EXPECT_EQ(users[0].rows, (std::vector<ItemRow>{1})) << "a purchase is no input";

  const auto lists = RecommendTop(scorer, users, Letters(), {.k = 4});

  ASSERT_TRUE(lists.has_value());
  EXPECT_EQ(Rows(lists->front()), (std::vector<ItemRow>{4}));
}

TEST(TopK, TheTableShowsTitles) {
  const std::vector<ScoredItem> items = {{4, 1.5F}};

  EXPECT_NE(RecommendationTable(items, Letters()).find("Ay"), std::string::npos);
}

}  // namespace
}  // namespace rondo
