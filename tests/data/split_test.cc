#include <algorithm>

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

constexpr std::string_view kHeader = "user_id:token\titem_id:token\ttimestamp:float\n";

LoadedData Load(const DataConfig& config) {
  auto loaded = LoadData(config);
  RONDO_CHECK(loaded.has_value()) << loaded.error().message;
  return std::move(loaded).value();
}

/// a: 1 2 3 4 5 in time; b: 5 4 3; every item has a training row except those the test says.
std::string TwoUsers() {
  return std::string(kHeader)
         + "a\t3\t30\na\t1\t10\na\t2\t20\na\t5\t50\na\t4\t40\nb\t5\t11\nb\t4\t21\nb\t3\t31\n";
}

TEST(SplitTest, LeaveOneOutHoldsOutTheLastTwo) {
  const DataFolder folder;
  folder.Write("x.inter", TwoUsers());
  auto loaded = Load({.path = folder.path(), .min_user_events = 1});
  const Catalogue& catalogue = *loaded.dataset.catalogue;
  const UserSequence& a = UserNamed(loaded.dataset, "a");
  EXPECT_EQ(a.train_size, 3U);
  EXPECT_EQ(Ids(catalogue, a.train()), "1 2 3");
  EXPECT_THAT(a.times, ElementsAre(10, 20, 30))
      << "item 4 is in no training row, so its validation row is out";
  EXPECT_EQ(Ids(catalogue, loaded.test.Open()[0].rows), "5");
  EXPECT_EQ(Ids(catalogue, UserNamed(loaded.dataset, "b").train()), "5");
  EXPECT_EQ(Ids(catalogue, loaded.test.Open()[1].rows), "3");
  EXPECT_EQ(catalogue.items(), 4) << "1 2 3 5 have training rows";
  EXPECT_EQ(loaded.report.validation_targets_outside, 1.0);
  EXPECT_EQ(loaded.report.test_targets_outside, 0.0);
}

TEST(SplitTest, ItemsOnlyHeldOutAreMisses) {
  const DataFolder folder;
  folder.Write("x.inter", std::string(kHeader) + "a\t1\t1\na\t2\t2\na\t1\t3\na\t9\t4\n");
  auto loaded = Load({.path = folder.path(), .min_user_events = 1});
  EXPECT_EQ(loaded.dataset.catalogue->Row("9"), 0);
  EXPECT_THAT(loaded.test.Open()[0].rows, ElementsAre(0));
  EXPECT_EQ(loaded.report.test_targets_outside, 1.0);
  EXPECT_EQ(loaded.dataset.users[0].rows.size(), 3U);
}

TEST(SplitTest, TestRowsAreSealedAndOpeningsCounted) {
  const DataFolder folder;
  folder.Write("x.inter",
               std::string(kHeader) + "a\t1\t1\na\t2\t2\na\t3\t3\nb\t2\t1\nb\t1\t2\nb\t3\t3\n");
  auto loaded = Load({.path = folder.path(), .min_user_events = 1});
  EXPECT_EQ(loaded.test.openings(), 0);
  for (const UserSequence& user : loaded.dataset.users) {
    EXPECT_EQ(user.rows.size(), 2U) << "no visible row may be a test row";
  }
  EXPECT_EQ(loaded.test.Open().size(), loaded.dataset.users.size());
  EXPECT_EQ(loaded.test.openings(), 1);
}

TEST(SplitTest, AWholeLogHoldsNothingOutAndKeepsUsersOfOneEvent) {
  const DataFolder folder;
  folder.Write("x.inter", TwoUsers() + "one\t9\t99\n");
  for (const char* const split : {"leave_one_out", "global_time", "user_ratio"}) {
    auto loaded = LoadWholeLog(
        {.path = folder.path(), .split = split, .min_user_events = 4, .min_item_events = 2});
    ASSERT_TRUE(loaded) << loaded.error().message;
    const Dataset& dataset = loaded->dataset;
    ASSERT_EQ(dataset.users.size(), 3U) << split;
    EXPECT_EQ(Ids(*dataset.catalogue, UserNamed(dataset, "a").train()), "1 2 3 4 5");
    EXPECT_EQ(Ids(*dataset.catalogue, UserNamed(dataset, "one").train()), "9");
    for (const TestRows& rows : loaded->test.Open()) {
      EXPECT_TRUE(rows.rows.empty());
    }
  }
}

TEST(SplitTest, UserRatioTakesSharesOfEachUser) {
  const DataFolder folder;
  std::string text(kHeader);
  for (int i = 0; i < 10; ++i) {
    text += "a\tx" + std::to_string(i % 3) + "\t" + std::to_string(i) + "\n";
  }
  folder.Write("x.inter", text);
  auto loaded = Load(
      {.path = folder.path(), .split = "user_ratio", .validation_ratio = 0.2, .test_ratio = 0.3});
  EXPECT_EQ(loaded.dataset.users[0].train_size, 5U);
  EXPECT_EQ(loaded.dataset.users[0].rows.size(), 7U);
  EXPECT_EQ(loaded.test.Open()[0].rows.size(), 3U);
}

TEST(SplitTest, GlobalTimeUsesThePublicCutsAndCountsTrainingRows) {
  const DataFolder folder;
  folder.Write("x.inter", std::string(kHeader)
                              + "a\t1\t1\na\t2\t2\na\t1\t10\na\t2\t11\na\t1\t20\n"
                                "late\t1\t2\nlate\t2\t10\nlate\t1\t11\nlate\t2\t20\n");
  auto loaded = Load({.path = folder.path(),
                      .split = "global_time",
                      .validation_from = 10,
                      .test_from = 20,
                      .min_user_events = 2});
  ASSERT_EQ(loaded.dataset.users.size(), 1U) << "one training row is too few, whatever comes later";
  EXPECT_EQ(loaded.dataset.users[0].train_size, 2U);
  EXPECT_EQ(loaded.dataset.users[0].rows.size(), 4U)
      << "an event at the cut belongs to what comes after";
  EXPECT_EQ(loaded.test.Open()[0].rows.size(), 1U);
  EXPECT_EQ(loaded.report.users_dropped, 1U);
}

TEST(SplitTest, GlobalTimeDerivesCutsFromAllEvents) {
  const DataFolder folder;
  std::string text(kHeader);
  for (int i = 0; i < 20; ++i) {
    text += std::string(i % 2 == 0 ? "a" : "b") + "\tx\t" + std::to_string(100 + i) + "\n";
  }
  folder.Write("x.inter", text);
  const auto loaded = Load({.path = folder.path(),
                            .split = "global_time",
                            .validation_ratio = 0.25,
                            .test_ratio = 0.25});
  EXPECT_EQ(loaded.report.validation_from, 110);
  EXPECT_EQ(loaded.report.test_from, 115);
  EXPECT_EQ(loaded.report.train_rows, 10U);
  EXPECT_EQ(loaded.report.validation_rows, 5U);
  EXPECT_EQ(loaded.report.test_rows, 5U);
}

TEST(SplitTest, GlobalTimeHoldsNothingOutWhereTheRatioIsZero) {
  const DataFolder folder;
  std::string text(kHeader);
  for (int i = 0; i < 20; ++i) {
    text += "a\tx\t" + std::to_string(100 + i / 2) + "\n";
  }
  folder.Write("x.inter", text);
  DataConfig config{.path = folder.path(), .split = "global_time"};
  config.validation_ratio = 0.25;
  config.test_ratio = 0.0;
  const auto validation = Load(config).report;
  EXPECT_EQ(validation.train_rows, 14U) << "two events a second, cut in front of the 15th";
  EXPECT_EQ(validation.validation_rows, 6U);
  EXPECT_EQ(validation.test_rows, 0U);
  EXPECT_EQ(validation.test_from, 110);
  config.validation_ratio = 0.0;
  EXPECT_EQ(Load(config).report.train_rows, 20U);
  config.test_ratio = 0.25;
  const auto test = Load(config).report;
  EXPECT_EQ(test.validation_rows, 0U);
  EXPECT_EQ(test.test_rows, 6U);
}

TEST(SplitTest, HeldOutEventsKeepTheirRoles) {
  const DataFolder folder;
  folder.Write("x.inter",
               "user_id:token\titem_id:token\ttimestamp:float\tevent:token\n"
               "u\ta\t1\tview\nu\tb\t2\tbuy\nu\ta\t3\tlike\nu\tb\t4\tbuy\nu\ta\t5\tbuy\n");
  auto loaded = Load(
      {.path = folder.path(), .events = {{"view", "input"}, {"buy", "target"}, {"like", "both"}}});
  const UserSequence& user = loaded.dataset.users[0];
  EXPECT_THAT(
      user.roles,
      ElementsAre(EventRole::kInput, EventRole::kTarget, EventRole::kBoth, EventRole::kTarget));
  EXPECT_EQ(user.train_size, 3U);
  EXPECT_TRUE(user.Trains());
  EXPECT_EQ(Ids(*loaded.dataset.catalogue, user.Inputs()), "a a") << "bought items are never seen";
  EXPECT_THAT(loaded.test.Open()[0].roles, ElementsAre(EventRole::kTarget));
}

constexpr std::string_view kTypedHeader =
    "user_id:token\titem_id:token\ttimestamp:float\tevent:token\n";

/// One user who clicks a, b and c and buys x, y and z, in this order: a b x c y b z c; every item
/// has a training row of another user.
DataConfig ClicksAndPurchases(const DataFolder& folder) {
  std::string text(kTypedHeader);
  int time = 100;
  for (const char* const event :
       {"a\tview", "b\tview", "x\tbuy", "c\tview", "y\tbuy", "b\tview", "z\tbuy", "c\tview"}) {
    const std::string words(event);
    text += "u\t" + words.substr(0, 1) + "\t" + std::to_string(++time) + words.substr(1) + "\n";
  }
  for (const char* const item : {"a", "b", "c", "x", "y", "z"}) {
    text += std::string("other\t") + item + "\t1\tview\n";
  }
  folder.Write("x.inter", text);
  return {.path = folder.path(),
          .events = {{"view", "input"}, {"buy", "target"}, {"skip", "negative"}},
          .min_user_events = 1};
}

/// Items of the visible rows, "|" where training ends, and of the sealed rows.
std::string Parts(LoadedData& loaded) {
  const Catalogue& catalogue = *loaded.dataset.catalogue;
  const UserSequence& user = UserNamed(loaded.dataset, "u");
  const auto index = static_cast<std::size_t>(&user - loaded.dataset.users.data());
  return Ids(catalogue, user.train()) + " | "
         + Ids(catalogue, std::span(user.rows).subspan(user.train_size)) + " | "
         + Ids(catalogue, loaded.test.Open()[index].rows);
}

TEST(SplitTest, ClicksBetweenHeldOutPurchasesStayInTheHistory) {
  const DataFolder folder;
  DataConfig config = ClicksAndPurchases(folder);
  auto leave_one_out = Load(config);
  EXPECT_EQ(Parts(leave_one_out), "a b x c | y | b z c")
      << "a click behind the validation purchase is as sealed as the test purchase";
  const std::vector<TestRows>& test = leave_one_out.test.Open();
  EXPECT_THAT(test.back().roles,
              ElementsAre(EventRole::kInput, EventRole::kTarget, EventRole::kInput));
  EXPECT_EQ(leave_one_out.report.test_targets_outside, 0.0);

  config.split = "user_ratio";
  config.validation_ratio = 0.7;
  config.test_ratio = 0.0;
  auto validation_alone = Load(config);
  EXPECT_EQ(Parts(validation_alone), "a b x c | y b z c | ") << "nothing is sealed";
  config.validation_ratio = 0.0;
  config.test_ratio = 0.7;
  auto test_alone = Load(config);
  EXPECT_EQ(Parts(test_alone), "a b x c |  | y b z c");

  config.split = "global_time";
  config.validation_from = 104;
  config.test_from = 106;
  auto global_time = Load(config);
  EXPECT_EQ(Parts(global_time), "a b x | c y | b z c");
}

TEST(SplitTest, HeldOutClicksOutsideTheCatalogueAreNoMisses) {
  const DataFolder folder;
  folder.Write("x.inter",
               std::string(kTypedHeader)
                   + "u\ta\t1\tview\nu\tx\t2\tboth\nu\tq\t3\tview\nu\ta\t4\tboth\nu\tq\t5\tview\n"
                     "u\tr\t6\tskip\nu\tx\t7\tboth\n");
  auto loaded = Load({.path = folder.path(),
                      .events = {{"view", "input"}, {"both", "both"}, {"skip", "negative"}},
                      .catalogue = folder.Write("c.tsv", "item_id\na\nx\n")});
  EXPECT_EQ(Parts(loaded), "a x | a | x");
  EXPECT_EQ(loaded.report.test_targets_outside, 0.0);
  EXPECT_EQ(loaded.report.validation_targets_outside, 0.0);
}

TEST(SplitTest, TypedEventsPlayTheirRoles) {
  const DataFolder folder;
  folder.Write("x.inter",
               "user_id:token\titem_id:token\ttimestamp:float\tevent:token\n"
               "u\ta\t1\tview\nu\ta\t2\tbuy\nu\tb\t3\tskip\nu\tb\t4\tview\nu\tb\t5\tbuy\n"
               "u\ta\t6\tview\nu\ta\t7\tbuy\nu\tb\t8\tskip\nu\tb\t9\tbuy\nu\tc\t10\tping\n");
  auto loaded = Load(
      {.path = folder.path(),
       .events = {{"view", "input"}, {"buy", "both"}, {"skip", "negative"}, {"gone", "both"}}});
  const UserSequence& user = loaded.dataset.users[0];
  const Catalogue& catalogue = *loaded.dataset.catalogue;
  EXPECT_EQ(Ids(catalogue, user.train()), "a a b b a");
  EXPECT_THAT(user.roles,
              ElementsAre(EventRole::kInput,
                          EventRole::kBoth,
                          EventRole::kInput,
                          EventRole::kBoth,
                          EventRole::kInput,
                          EventRole::kBoth));
  EXPECT_EQ(Ids(catalogue, user.rows), "a a b b a a");
  EXPECT_EQ(Ids(catalogue, user.negatives), "b")
      << "the skip after the first held-out target is not training";
  EXPECT_EQ(Ids(catalogue, loaded.test.Open()[0].rows), "b");
  EXPECT_EQ(catalogue.Row("c"), 0) << "unlisted events are ignored";
  EXPECT_THAT(loaded.report.warnings,
              ::testing::UnorderedElementsAre(HasSubstr("data.events.gone"),
                                              HasSubstr("'ping' are ignored")));
}

TEST(OrderTest, TiesFollowTheFileOrAKeyedHash) {
  const DataFolder folder;
  std::string text(kHeader);
  for (int i = 0; i < 12; ++i) {
    text += "u\t" + std::to_string(100 + i) + "\t7\n";
  }
  text += "v\t100\t1\nv\t110\t1\nv\t111\t1\nv\t100\t1\nv\t100\t1\n";
  folder.Write("x.inter", text);
  DataConfig config{.path = folder.path()};
  const auto by_file = Load(config);
  EXPECT_EQ(Ids(*by_file.dataset.catalogue, UserNamed(by_file.dataset, "u").train()),
            "100 101 102 103 104 105 106 107 108 109");
  config.ties = "hash";
  const auto hashed = Load(config);
  const auto again = Load(config);
  EXPECT_EQ(hashed.dataset.fingerprint, again.dataset.fingerprint);
  EXPECT_NE(hashed.dataset.fingerprint, by_file.dataset.fingerprint);
  config.seed = 2;
  EXPECT_NE(Load(config).dataset.fingerprint, hashed.dataset.fingerprint);
}

TEST(OrderTest, HashedTiesDoNotDependOnTheFile) {
  const DataFolder folder;
  std::vector<std::string> rows;
  rows.reserve(30);
  for (int i = 0; i < 30; ++i) {
    rows.push_back("u" + std::to_string(i % 3) + "\t" + std::to_string(i / 3) + "\t"
                   + std::to_string(i / 12) + "\n");
  }
  const auto write = [&](const std::string& name) {
    std::string text(kHeader);
    for (const auto& row : rows) {
      text += row;
    }
    return folder.Write(name, text);
  };
  const auto forward = Load({.path = write("a.inter"), .ties = "hash"});
  std::reverse(rows.begin(), rows.end());
  const auto backward = Load({.path = write("b.inter"), .ties = "hash"});
  EXPECT_EQ(forward.dataset.fingerprint, backward.dataset.fingerprint);
}

TEST(OrderTest, ItemOrderedFilesAreWarnedAbout) {
  const DataFolder folder;
  folder.Write("x.inter", std::string(kHeader) + "a\t1\t0\na\t2\t0\na\t10\t0\na\t20\t5\n");
  const auto loaded = Load({.path = folder.path(), .min_user_events = 2});
  EXPECT_EQ(loaded.report.users_sorted_by_item, 1.0);
  EXPECT_NEAR(loaded.report.tied_share, 2.0 / 3.0, 1e-12);
  EXPECT_THAT(loaded.report.warnings, ElementsAre(HasSubstr("by item id")));
  EXPECT_TRUE(
      Load({.path = folder.path(), .ties = "hash", .min_user_events = 2}).report.warnings.empty());
}

TEST(OrderTest, SequenceTakesTheFileAndTimeNeedsAColumn) {
  const DataFolder folder;
  folder.Write("x.inter", "user_id:token\titem_id:token\nu\tb\nu\ta\nu\tb\nu\ta\n");
  const auto refused = LoadData({.path = folder.path()});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("needs a time column"));
  const auto loaded = Load({.path = folder.path(), .order = "sequence", .min_user_events = 2});
  EXPECT_EQ(Ids(*loaded.dataset.catalogue, loaded.dataset.users[0].rows), "b a b");
  EXPECT_THAT(loaded.dataset.users[0].times, ElementsAre(0, 1, 2));
}

TEST(OrderTest, NoneIsASeededHoldOutThatIgnoresTime) {
  const DataFolder folder;
  std::string text(kHeader);
  for (int u = 0; u < 20; ++u) {
    for (int i = 0; i < 10; ++i) {
      text += std::to_string(u) + "\t" + std::to_string(i) + "\t" + std::to_string(i) + "\n";
    }
  }
  folder.Write("x.inter", text);
  DataConfig config{.path = folder.path(), .order = "none"};
  auto first = Load(config);
  EXPECT_FALSE(first.dataset.ordered);
  EXPECT_EQ(first.dataset.fingerprint, Load(config).dataset.fingerprint);
  int last = 0;
  for (const TestRows& rows : first.test.Open()) {
    last += first.dataset.catalogue->id(rows.rows[0]) == "9" ? 1 : 0;
  }
  EXPECT_LT(last, 10) << "the last in time is no more likely than others";
  config.seed = 2;
  EXPECT_NE(first.dataset.fingerprint, Load(config).dataset.fingerprint);
}

TEST(SplitTest, UnknownRulesAreRefused) {
  const DataFolder folder;
  folder.Write("x.inter", TwoUsers());
  EXPECT_THAT(LoadData({.path = folder.path(), .split = "random"}).error().message,
              HasSubstr("'random'"));
  EXPECT_THAT(LoadData({.path = folder.path(), .order = "id"}).error().message, HasSubstr("'id'"));
  EXPECT_THAT(LoadData({.path = folder.path(), .ties = "id"}).error().message, HasSubstr("'id'"));
  EXPECT_FALSE(LoadData({.path = folder.path(), .order = "none", .split = "global_time"}));
  EXPECT_FALSE(LoadData(
      {.path = folder.path(), .split = "user_ratio", .validation_ratio = 0.6, .test_ratio = 0.5}));
  EXPECT_FALSE(LoadData(
      {.path = folder.path(), .split = "global_time", .validation_from = 30, .test_from = 20}));
}

}  // namespace
}  // namespace rondo
