#include "client/data_source.h"

#include <gtest/gtest.h>

#include "common/core/file.h"
#include "tests/client/fakes.h"
#include "tests/support/temporary_folder.h"

namespace rondo::client::testing {
namespace {

using rondo::testing::TemporaryFolder;

class LogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WriteTextFile(folder_ / "catalogue.tsv", SmallCatalogue()->text()).has_value());
    WriteLog("");
    config_ = {.path = folder_ / "log.csv",
               .format = "csv",
               .columns = {{"user", "user"}, {"item", "item"}, {"time", "time"}},
               .catalogue = folder_ / "catalogue.tsv"};
  }

  void WriteLog(const std::string& more) {
    std::string text = "user,item,time\n";
    for (int event = 1; event <= 5; ++event) {
      text += "ann,item" + std::to_string(event) + "," + std::to_string(event) + "\n";
    }
    ASSERT_TRUE(WriteTextFile(folder_ / "log.csv", text + more).has_value());
  }

  TemporaryFolder folder_;
  DataConfig config_;
};

TEST_F(LogTest, IsReadAgainOnlyAfterAChange) {
  FileDataSource source(config_);
  const auto first = source.Current();
  ASSERT_TRUE(first.has_value()) << first.error().message;
  EXPECT_EQ(source.Current().value(), first.value());

  WriteLog("bob,item1,1\nbob,item2,2\nbob,item3,3\nbob,item4,4\nbob,item5,5\n");

  EXPECT_EQ(source.Current().value()->dataset.users.size(), 2u);
}

TEST_F(LogTest, AHalfWrittenLogLeavesTheEarlierOneInUse) {
  FileDataSource source(config_);
  const auto first = source.Current().value();
  ASSERT_TRUE(WriteTextFile(folder_ / "log.csv", "us").has_value());

  EXPECT_EQ(source.Current().value(), first);
}

TEST_F(LogTest, ABrokenLogAtTheStartIsAnError) {
  ASSERT_TRUE(WriteTextFile(folder_ / "log.csv", "us").has_value());
  FileDataSource source(config_);

  EXPECT_FALSE(source.Current().has_value());
}

}  // namespace
}  // namespace rondo::client::testing
