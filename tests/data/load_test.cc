#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/data/data_files.h"

namespace rondo {
namespace {

using testing::DataFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Ids;
using testing::UserNamed;

constexpr std::string_view kHeader =
    "user_id:token\titem_id:token\trating:float\ttimestamp:float\n";

LoadedData Load(const DataConfig& config) {
  auto loaded = LoadData(config);
  RONDO_CHECK(loaded.has_value()) << loaded.error().message;
  return std::move(loaded).value();
}

std::string Row(const std::string& user, const std::string& item, int time, int rating = 5) {
  return user + "\t" + item + "\t" + std::to_string(rating) + "\t" + std::to_string(time) + "\n";
}

/// Three users over items 1 to 5; `name` writes an item id.
template <typename Name>
std::string Log(Name name) {
  std::string text(kHeader);
  for (int u = 0; u < 3; ++u) {
    for (int t = 0; t < 8; ++t) {
      text += Row("u" + std::to_string(u), name((u + t * t) % 5), t);
    }
  }
  return text;
}

TEST(LoadTest, ItemFilterLooksAtTrainingRowsOnly) {
  const DataFolder folder;
  std::string text(kHeader);
  // "rare" has one training row and two held-out rows; "held" has held-out rows alone.
  text += Row("a", "x", 1) + Row("a", "x", 2) + Row("a", "rare", 3) + Row("a", "x", 4)
          + Row("a", "rare", 5);
  text += Row("b", "x", 1) + Row("b", "x", 2) + Row("b", "x", 3) + Row("b", "rare", 4)
          + Row("b", "held", 5);
  folder.Write("x.inter", text);
  auto loaded = Load({.path = folder.path(), .min_item_events = 2});
  EXPECT_EQ(loaded.dataset.catalogue->items(), 1);
  EXPECT_EQ(loaded.report.items_dropped, 1U);
  EXPECT_EQ(UserNamed(loaded.dataset, "a").train_size, 2U);
  EXPECT_THAT(loaded.test.Open()[0].rows, ElementsAre(0));
  EXPECT_EQ(loaded.report.test_targets_outside, 1.0);
}

TEST(LoadTest, UsersWithFewTrainingRowsAreLeftOutWhateverIsHeldOut) {
  const DataFolder folder;
  std::string text(kHeader);
  for (int t = 1; t <= 10; ++t) {
    text += Row("ten", "x", t) + (t <= 4 ? Row("four", "x", t) : "");
  }
  folder.Write("x.inter", text);
  DataConfig config{.path = folder.path()};
  for (const char* const split : {"leave_one_out", "user_ratio"}) {
    config.split = split;
    config.min_user_events = 2;
    EXPECT_EQ(Load(config).dataset.users.size(), 2U) << split;
    config.min_user_events = 3;
    const auto fewer = Load(config);
    ASSERT_EQ(fewer.dataset.users.size(), 1U) << split << ": 4 rows, but 2 of them are held out";
    EXPECT_EQ(fewer.dataset.users[0].user, "ten");
    EXPECT_EQ(fewer.report.users_dropped, 1U);
  }
  config.min_user_events = 9;
  EXPECT_FALSE(LoadData(config)) << "10 rows leave 8 for training";
}

TEST(LoadTest, NothingLeftSaysWhyWithCounts) {
  const DataFolder folder;
  folder.Write("x.inter", Log([](int i) { return std::to_string(i); }));
  const auto users = LoadData({.path = folder.path(), .min_user_events = 100});
  ASSERT_FALSE(users);
  EXPECT_EQ(users.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(users.error().message,
              HasSubstr("none of 3 users with 24 events has at least 100 training rows "
                        "(data.min_user_events"));
  const auto items = LoadData({.path = folder.path(), .min_item_events = 1000});
  ASSERT_FALSE(items);
  EXPECT_THAT(items.error().message,
              HasSubstr("none of 5 items has 1000 training rows (data.min_item_events)"));
  const auto foreign =
      LoadData({.path = folder.path(), .catalogue = folder.Write("c.tsv", "item_id\nzz\n")});
  ASSERT_FALSE(foreign);
  EXPECT_THAT(foreign.error().message, HasSubstr("of 3 users 3 have at least 3 training rows"));
  EXPECT_THAT(foreign.error().message, HasSubstr("catalogue of 1 items"));
}

TEST(LoadTest, LowRatingsAreIgnored) {
  const DataFolder folder;
  folder.Write("x.inter",
               std::string(kHeader) + Row("a", "x", 1, 4) + Row("a", "y", 2, 2)
                   + Row("a", "x", 3, 5) + Row("a", "x", 4, 5));
  const auto loaded = Load({.path = folder.path(), .min_user_events = 1, .min_rating = 4});
  EXPECT_EQ(loaded.dataset.catalogue->Row("y"), 0);
  EXPECT_EQ(loaded.dataset.users[0].rows.size(), 2U);
}

TEST(LoadTest, ALeastRatingOfZeroKeepsNegativeRatings) {
  const DataFolder folder;
  folder.Write("x.inter", std::string(kHeader) + Row("a", "x", 1, -3) + Row("a", "y", 2, 0));
  EXPECT_EQ(LoadWholeLog({.path = folder.path()})->dataset.users[0].rows.size(), 2U);
  EXPECT_EQ(LoadWholeLog({.path = folder.path(), .min_rating = -2})->dataset.users[0].rows.size(),
            1U);
}

TEST(LoadTest, RepeatedEventsAreKept) {
  const DataFolder folder;
  folder.Write("x.inter",
               std::string(kHeader) + Row("a", "x", 1) + Row("a", "x", 1) + Row("a", "x", 1)
                   + Row("a", "x", 1));
  EXPECT_EQ(Load({.path = folder.path(), .min_user_events = 2}).dataset.users[0].rows.size(), 3U);
}

TEST(LoadTest, RelabellingItemsChangesNothingButTheirNames) {
  const DataFolder folder;
  const auto plain = [](int i) {
    return std::to_string(i);
  };
  const auto renamed = [](int i) {
    return "item-" + std::string(1, static_cast<char>('z' - i));
  };
  auto one = Load({.path = folder.Write("one.inter", Log(plain))});
  auto two = Load({.path = folder.Write("two.inter", Log(renamed))});
  ASSERT_EQ(one.dataset.users.size(), two.dataset.users.size());
  EXPECT_EQ(one.dataset.catalogue->items(), two.dataset.catalogue->items());
  const auto expect_same = [&](std::span<const ItemRow> a, std::span<const ItemRow> b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t j = 0; j < a.size(); ++j) {
      EXPECT_EQ(renamed(std::stoi(one.dataset.catalogue->id(a[j]))),
                two.dataset.catalogue->id(b[j]));
    }
  };
  for (std::size_t u = 0; u < one.dataset.users.size(); ++u) {
    expect_same(one.dataset.users[u].rows, two.dataset.users[u].rows);
    EXPECT_EQ(one.dataset.users[u].train_size, two.dataset.users[u].train_size);
    expect_same(one.test.Open()[u].rows, two.test.Open()[u].rows);
  }
}

TEST(LoadTest, CatalogueOrderIsNumericWhereIdsAreNumbers) {
  const DataFolder folder;
  folder.Write("x.inter",
               std::string(kHeader) + Row("a", "10", 1) + Row("a", "9", 2) + Row("a", "b", 3)
                   + Row("a", "B", 4) + Row("a", "9", 5) + Row("a", "9", 6));
  EXPECT_EQ(Load({.path = folder.path()}).dataset.catalogue->text(), "item_id\n9\n10\nB\nb\n");
}

TEST(LoadTest, MappingNamesTheItemsOfAPublicCatalogue) {
  const DataFolder folder;
  folder.Write("x.inter",
               std::string(kHeader) + Row("a", "mine1", 1) + Row("a", "mine2", 2)
                   + Row("a", "new", 3) + Row("a", "mine1", 4) + Row("a", "new", 5));
  auto loaded =
      Load({.path = folder.path(),
            .min_item_events = 50,
            .catalogue = folder.Write("c.tsv", "item_id\ttitle\nA\tFirst\nB\tSecond\nC\t\n"),
            .mapping = folder.Write("m.tsv", "mine1\tB\nmine2\tC\n")});
  const Catalogue& catalogue = *loaded.dataset.catalogue;
  EXPECT_EQ(catalogue.items(), 3) << "the public list is taken as it is";
  EXPECT_EQ(Ids(catalogue, loaded.dataset.users[0].rows), "B C B");
  EXPECT_EQ(loaded.dataset.users[0].train_size, 2U);
  EXPECT_THAT(loaded.test.Open()[0].rows, ElementsAre(0));
  EXPECT_EQ(loaded.report.unknown_items, 2U);
}

TEST(LoadTest, AMappingMayStartWithAByteOrderMark) {
  const DataFolder folder;
  folder.Write("x.inter", std::string(kHeader) + Row("a", "mine", 1) + Row("a", "mine", 2));
  const auto loaded = LoadWholeLog({.path = folder.path(),
                                    .catalogue = folder.Write("c.tsv", "item_id\nA\n"),
                                    .mapping = folder.Write("m.tsv", "\xEF\xBB\xBFmine\tA\r\n")});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->report.unknown_items, 0U);
}

TEST(LoadTest, BrokenMappingNamesTheLine) {
  const DataFolder folder;
  folder.Write("x.inter", Log([](int i) { return std::to_string(i); }));
  const auto load = [&](std::string_view mapping) {
    return LoadData({.path = folder.path(), .mapping = folder.Write("m.tsv", mapping)})
        .error()
        .message;
  };
  EXPECT_THAT(load("1\tA\n2 B\n"), HasSubstr("m.tsv:2: a mapping row"));
  EXPECT_THAT(load("1\tA\n1\tB\n"), HasSubstr("m.tsv:2: '1' is mapped twice"));
}

TEST(LoadTest, FingerprintFollowsTheData) {
  const DataFolder folder;
  const auto name = [](int i) {
    return std::to_string(i);
  };
  const auto path = folder.Write("x.inter", Log(name));
  const std::string once = Load({.path = path}).dataset.fingerprint;
  EXPECT_EQ(once, Load({.path = path}).dataset.fingerprint);
  EXPECT_NE(once,
            Load({.path = path, .split = "user_ratio", .test_ratio = 0.3}).dataset.fingerprint);
  folder.Write("x.inter", Log(name) + Row("u0", "1", 99));
  EXPECT_NE(once, Load({.path = path}).dataset.fingerprint);
}

}  // namespace
}  // namespace rondo
