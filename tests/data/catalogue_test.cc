#include <gtest/gtest.h>

#include "common/core/file.h"
#include "tests/data/data_files.h"

namespace rondo {
namespace {

using testing::DataFolder;

TEST(CatalogueTest, RowsCountFromOneAndUnknownItemsAreZero) {
  const auto catalogue = Catalogue::Create({"b", "a"}, {"title"}, {{"Bee"}, {""}});
  ASSERT_TRUE(catalogue);
  EXPECT_EQ(catalogue->items(), 2);
  EXPECT_EQ(catalogue->Row("b"), 1);
  EXPECT_EQ(catalogue->Row("a"), 2);
  EXPECT_EQ(catalogue->Row("c"), 0);
  EXPECT_EQ(catalogue->id(2), "a");
  EXPECT_EQ(catalogue->Title(1), "Bee");
  EXPECT_EQ(catalogue->Title(2), "a") << "without a title the id stands in";
  EXPECT_EQ(catalogue->Value(1, "genres"), "");
  EXPECT_EQ(catalogue->text(), "item_id\ttitle\nb\tBee\na\t\n");
}

TEST(CatalogueTest, HashIsThatOfTheFile) {
  const DataFolder folder;
  const auto path = folder.Write("catalogue.tsv", "item_id\nx\ny\n");
  const auto read = Catalogue::Read(path);
  ASSERT_TRUE(read);
  // printf 'item_id\nx\ny\n' | sha256sum
  EXPECT_EQ(read->sha256(), "3b2df6ab187f697c282b2520d81005c43d0e446ce1b5e6a3e72c15e43f6afeca");
  const auto made = Catalogue::Create({"x", "y"});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->sha256(), read->sha256());
}

TEST(CatalogueTest, RepeatedEmptyOrMalformedListsAreRefused) {
  EXPECT_EQ(Catalogue::Create({}).error().code, ErrorCode::kInvalidArgument);
  const auto twice = Catalogue::Create({"x", "x"});
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message.find("'x' stands twice"), std::string::npos);
  EXPECT_FALSE(Catalogue::Create({"a\tb"}));
  EXPECT_FALSE(Catalogue::Create({"a"}, {"title"}, {}));
}

TEST(CatalogueTest, MarksAndBlankLinesAreNoItems) {
  const DataFolder folder;
  for (const char* const text : {"\xEF\xBB\xBFitem_id\ttitle\nx\tX\n",
                                 "\nitem_id\ttitle\n\nx\tX\n\n",
                                 "\xEF\xBB\xBF\r\nitem_id\ttitle\r\nx\tX\r\n"}) {
    const auto read = Catalogue::Read(folder.Write("c.tsv", text));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->items(), 1) << text;
    EXPECT_EQ(read->Row("x"), 1);
    EXPECT_EQ(read->Title(1), "X");
    EXPECT_EQ(read->text(), text) << "the hash is that of the file as it lies there";
  }
}

TEST(CatalogueTest, BrokenFileNamesTheLine) {
  const DataFolder folder;
  const auto wrong_header = Catalogue::Read(folder.Write("a.tsv", "item\nx\n"));
  ASSERT_FALSE(wrong_header);
  EXPECT_NE(wrong_header.error().message.find("a.tsv:1:"), std::string::npos);
  const auto short_row = Catalogue::Read(folder.Write("b.tsv", "item_id\ttitle\nx\tX\ny\n"));
  ASSERT_FALSE(short_row);
  EXPECT_NE(short_row.error().message.find("b.tsv:3:"), std::string::npos);
  EXPECT_EQ(Catalogue::Read(folder.path() / "none.tsv").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace rondo
