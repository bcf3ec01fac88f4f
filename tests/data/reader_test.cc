#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/data/events.h"
#include "tests/data/data_files.h"

namespace rondo {
namespace {

using testing::DataFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(RecBoleReaderTest, ColumnsMayStandInAnyOrder) {
  const DataFolder folder;
  folder.Write("x.inter",
               "timestamp:float\titem_id:token\textra:float\tuser_id:token\tevent:token\n"
               "5.5\ti1\t0\tu1\tclick\n6\ti2\t0\tu1\tbuy\n");
  folder.Write("x.item", "item_id:token\ttitle:token_seq\ni1\tFirst one\n");
  folder.Write("x.user", "user_id:token\tage:float\nu1\t31\n");
  const auto table = ReadEvents({.path = folder.path()});
  ASSERT_TRUE(table) << table.error().message;
  ASSERT_EQ(table->events.size(), 2U);
  EXPECT_EQ(table->events[0].time, 5.5);
  EXPECT_THAT(table->items, ElementsAre("i1", "i2"));
  EXPECT_THAT(table->kinds, ElementsAre("", "click", "buy"));
  EXPECT_FALSE(table->has_rating);
  EXPECT_EQ(table->item_table.Value("i1", 0), "First one");
  EXPECT_EQ(table->item_table.Value("i2", 0), "");
  EXPECT_EQ(table->user_table.Value("u1", 0), "31");
}

TEST(RecBoleReaderTest, ByteOrderMarkAndCarriageReturnsDoNotMatter) {
  const DataFolder folder;
  folder.Write("x.inter", "\xEF\xBB\xBFuser_id:token\titem_id:token\r\nu\ti\r\n\r\n");
  const auto table = ReadEvents({.path = folder.path()});
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_THAT(table->items, ElementsAre("i"));
}

TEST(RecBoleReaderTest, WrongHeaderListsWhatIsThere) {
  const DataFolder folder;
  folder.Write("x.inter", "user:token\titem_id:token\nu\ti\n");
  const auto table = ReadEvents({.path = folder.path()});
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(
      table.error().message,
      "x.inter:1: the header has no user column 'user_id' (it has: user, item_id); name it with "
      "data.columns.user");
  EXPECT_TRUE(ReadEvents({.path = folder.path(), .columns = {{"user", "user"}}}));
}

TEST(RecBoleReaderTest, TwoLogsInOneFolderAreAmbiguous) {
  const DataFolder folder;
  folder.Write("a.inter", "user_id:token\titem_id:token\nu\ti\n");
  folder.Write("b.inter", "user_id:token\titem_id:token\nu\ti\n");
  const auto table = ReadEvents({.path = folder.path()});
  ASSERT_FALSE(table);
  EXPECT_THAT(table.error().message, HasSubstr("holds 2 .inter files"));
  EXPECT_TRUE(ReadEvents({.path = folder.path() / "a.inter"}));
}

TEST(ReaderTest, BrokenRowsAreCountedAndTheFirstFewShown) {
  const DataFolder folder;
  std::string text = "user_id:token\titem_id:token\trating:float\ttimestamp:float\nu\ti\t4\t1\n";
  text += "u\ti\t4\n\ti\t4\t1\nu\ti\tgood\t1\nu\ti\t4\tnan\nu\ti\t4\t1e999\nu\ti\t4\t\n";
  folder.Write("x.inter", text);
  const auto table = ReadEvents({.path = folder.path(), .max_bad_rows = 6});
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->report.rows, 7U);
  EXPECT_EQ(table->report.bad_rows, 6U);
  EXPECT_EQ(table->events.size(), 1U);
  EXPECT_THAT(table->report.bad_row_examples,
              ElementsAre("x.inter:3: has 3 fields, not 4",
                          "x.inter:4: an empty user or item id",
                          "x.inter:5: rating 'good' is no number",
                          "x.inter:6: time 'nan' is neither Unix seconds nor ISO 8601",
                          "x.inter:7: time '1e999' is neither Unix seconds nor ISO 8601"));
  const auto refused = ReadEvents({.path = folder.path(), .max_bad_rows = 5});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(refused.error().message,
              HasSubstr("more than 5 broken rows, the first at x.inter:3"));
}

TEST(ReaderTest, NothingUsableIsAnErrorWithCounts) {
  const DataFolder folder;
  folder.Write("x.inter", "user_id:token\titem_id:token\nu\n");
  const auto table = ReadEvents({.path = folder.path()});
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().message, "the data set has no usable row (1 read, 1 broken)");
}

TEST(ReaderTest, MissingPathAndUnknownFormat) {
  EXPECT_EQ(ReadEvents({.path = "/nonexistent/log"}).error().code, ErrorCode::kNotFound);
  const DataFolder folder;
  EXPECT_EQ(ReadEvents({.path = folder.path()}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(ReadEvents({.path = folder.path(), .format = "parquet"}).error().message,
              HasSubstr("'parquet' is unknown"));
}

TEST(MovieLensReaderTest, PlainFilesWithLatin1Titles) {
  const DataFolder folder;
  folder.Write("u.data", "1\t10\t3\t100\n2\t10\t5\t200\n");
  folder.Write(
      "u.item",
      "10|Mis\xE9rables, Les (1995)|01-Jan-1995||http|0|1|0|0|0|0|0|0|1|0|0|0|0|0|0|0|0|0|0\n");
  folder.Write("u.user", "1|24|M|technician|85711\n");
  const auto table = ReadEvents({.path = folder.path()});
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->events[1].rating, 5.0);
  EXPECT_THAT(table->item_table.columns, ElementsAre("title", "release_year", "genres"));
  EXPECT_THAT(table->item_table.rows.at("10"),
              ElementsAre("Mis\xC3\xA9rables, Les", "1995", "Action Drama"));
  EXPECT_EQ(table->user_table.Value("1", 2), "technician");
}

TEST(MovieLensReaderTest, RatingsCsvWithQuotedTitles) {
  const DataFolder folder;
  folder.Write("ratings.csv", "userId,movieId,rating,timestamp\n1,7,4.5,100\n");
  folder.Write("movies.csv",
               "movieId,title,genres\n7,\"Good, \"\"Bad\"\" (1966)\",Action|Western\n");
  const auto table = ReadEvents({.path = folder.path()});
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->events[0].rating, 4.5);
  EXPECT_THAT(table->item_table.rows.at("7"),
              ElementsAre("Good, \"Bad\"", "1966", "Action Western"));
}

TEST(MovieLensReaderTest, DoubleColonFilesWithUsers) {
  const DataFolder folder;
  folder.Write("ratings.dat", "1::10::3::100\n2::10::5::200\n");
  folder.Write("movies.dat", "10::Face/Off: Mis\xE9rables (1997)::Action|Sci-Fi\n");
  folder.Write("users.dat", "1::F::1::10::48067\n2::M::56::16::70072\n");
  const auto table = ReadEvents({.path = folder.path()});
  ASSERT_TRUE(table) << table.error().message;
  ASSERT_EQ(table->events.size(), 2U);
  EXPECT_EQ(table->users[table->events[1].user], "2");
  EXPECT_EQ(table->events[1].rating, 5.0);
  EXPECT_EQ(table->events[1].time, 200.0);
  EXPECT_THAT(table->item_table.rows.at("10"),
              ElementsAre("Face/Off: Mis\xC3\xA9rables", "1997", "Action Sci-Fi"));
  EXPECT_THAT(table->user_table.columns, ElementsAre("gender", "age", "occupation", "zip_code"));
  EXPECT_THAT(table->user_table.rows.at("2"), ElementsAre("M", "56", "16", "70072"));
}

TEST(CsvReaderTest, TheFirstKnownHeaderNameWins) {
  const DataFolder folder;
  const auto path =
      folder.Write("log.csv", "time,item,user_id,item_id,timestamp,user\n1,a,b,c,5,d\n");
  const auto table = ReadEvents({.path = path});
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->events[0].time, 5.0) << "timestamp stands before time in the list of names";
  EXPECT_THAT(table->users, ElementsAre("b"));
  EXPECT_THAT(table->items, ElementsAre("c"));
  const auto swapped =
      ReadEvents({.path = folder.Write("b.csv", "user,item,timestamp,time\na,b,5,1\n")});
  ASSERT_TRUE(swapped);
  EXPECT_EQ(swapped->events[0].time, 5.0) << "wherever the columns stand";
}

// Expected by `date -u -d TEXT +%s`.
TEST(CsvReaderTest, TimesMayBeIsoDates) {
  const DataFolder folder;
  const std::vector<std::pair<std::string, double>> times = {
      {"2024-01-01", 1704067200},
      {"2024-01-01 12:30:00", 1704112200},
      {"2024-01-01T12:30", 1704112200},
      {"2024-01-01T12:30:00Z", 1704112200},
      {"2024-01-01T12:30:00.250Z", 1704112200.25},
      {"2024-01-01T12:30:00+05:30", 1704092400},
      {"2024-01-01 12:30:00-0800", 1704141000},
      {"2024-02-29T00:00:00+00", 1709164800},
      {"1969-12-31T23:59:59Z", -1},
      {"1704112200", 1704112200},
  };
  std::string text = "user,item,time\n";
  for (const auto& [word, seconds] : times) {
    text += "u,i," + word + "\n";
  }
  const auto table = ReadEvents({.path = folder.Write("log.csv", text), .max_bad_rows = 0});
  ASSERT_TRUE(table) << table.error().message;
  for (std::size_t t = 0; t < times.size(); ++t) {
    EXPECT_EQ(table->events[t].time, times[t].second) << times[t].first;
  }
  for (const char* const word : {"2023-02-29",
                                 "2024-13-01",
                                 "2024-01-01T24:30",
                                 "2024-1-1",
                                 "01/02/2024",
                                 "2024-01-01T",
                                 "2024-01-01T12:30:00x",
                                 "2024-01-01T12:30:00.",
                                 "2024-01-01Z",
                                 "2024-01-01T12:30+",
                                 "yesterday"}) {
    const auto refused = ReadEvents(
        {.path = folder.Write("bad.csv", "user,item,time\nu,i," + std::string(word) + "\n"),
         .max_bad_rows = 0});
    ASSERT_FALSE(refused) << word;
    EXPECT_THAT(refused.error().message, HasSubstr("neither Unix seconds nor ISO 8601"));
  }
}

TEST(CsvReaderTest, ColumnsAreMappedAndFieldsMayBeQuoted) {
  const DataFolder folder;
  const auto path = folder.Write("log.csv",
                                 "when;who;what;kind\n"
                                 "3;\"Doe; Jane\";\"a \"\"b\"\"\";view\n"
                                 "4;x;\"open;view\n");
  const auto table = ReadEvents(
      {.path = path,
       .columns = {{"user", "who"}, {"item", "what"}, {"time", "when"}, {"event", "kind"}}});
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_THAT(table->users, ElementsAre("Doe; Jane"));
  EXPECT_THAT(table->items, ElementsAre("a \"b\""));
  EXPECT_THAT(table->kinds, ElementsAre("", "view"));
  EXPECT_THAT(table->report.bad_row_examples,
              ElementsAre("log.csv:3: a quoted field does not end on its line"));
}

TEST(CsvReaderTest, UnknownMappingKeyAndMissingColumn) {
  const DataFolder folder;
  const auto path = folder.Write("log.tsv", "user\titem\n1\t2\n");
  EXPECT_TRUE(ReadEvents({.path = path}));
  EXPECT_THAT(ReadEvents({.path = path, .columns = {{"users", "user"}}}).error().message,
              HasSubstr("data.columns: unknown column 'users'"));
  EXPECT_THAT(ReadEvents({.path = path, .columns = {{"time", "when"}}}).error().message,
              HasSubstr("no time column 'when' (it has: user, item)"));
}

TEST(AtomicFilesTest, WhatIsWrittenReadsBackTheSame) {
  const DataFolder folder;
  folder.Write("x.inter",
               "user_id:token\titem_id:token\trating:float\ttimestamp:float\tevent:token\n"
               "b\t2\t3.5\t881250949\tbuy\na\t10\t1\t881250949.25\tview\n");
  folder.Write("x.item",
               "item_id:token\ttitle:token_seq\tyear:float\n10\tTen Things\t1999\n2\tTwo\t\n");
  const auto table = ReadEvents({.path = folder.path()});
  ASSERT_TRUE(table);
  ASSERT_TRUE(WriteAtomicFiles(*table, folder.path() / "out", "x"));
  EXPECT_EQ(*ReadTextFile(folder.path() / "out" / "x.inter"),
            *ReadTextFile(folder.path() / "x.inter"));
  EXPECT_EQ(*ReadTextFile(folder.path() / "out" / "x.item"),
            "item_id:token\ttitle:token_seq\tyear:float\n2\tTwo\t\n10\tTen Things\t1999\n");
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "out" / "x.user"));
}

}  // namespace
}  // namespace rondo
