#include "common/data/partition_files.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto/certificate.h"
#include "common/data/generator.h"
#include "tests/data/data_files.h"

namespace rondo {
namespace {

using testing::DataFolder;
using testing::UserNamed;

class PartitionFilesTest : public ::testing::TestWithParam<const char*> {};

TEST_P(PartitionFilesTest, ClientsFindTheSequencesOfTheWholeDataSet) {
  const DataFolder folder;
  const GeneratorConfig generator{.users = 40, .items = 100, .interests = 4, .events = 12};
  ASSERT_TRUE(WriteGenerated(*GenerateData(generator), generator, folder.path() / "all"));
  DataConfig config{.path = folder.path() / "all",
                    .ties = "hash",
                    .split = GetParam(),
                    .clients = "lognormal:1",
                    .institutions = 5};
  auto whole = LoadData(config);
  ASSERT_TRUE(whole) << whole.error().message;
  const auto written = WritePartition(config, folder.path() / "parts");
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(written->clients.size(), 5U);
  config.catalogue = written->catalogue;
  config.validation_from = written->validation_from;
  config.test_from = written->test_from;
  std::size_t users = 0;
  for (const ClientId& client : written->clients) {
    config.path = folder.path() / "parts" / ClientFolderName(client);
    const auto own = LoadData(config);
    ASSERT_TRUE(own) << own.error().message;
    EXPECT_EQ(own->dataset.catalogue->sha256(), whole->dataset.catalogue->sha256());
    for (const UserSequence& user : own->dataset.users) {
      const UserSequence& same = UserNamed(whole->dataset, user.user);
      EXPECT_EQ(user.rows, same.rows);
      EXPECT_EQ(user.train_size, same.train_size);
      EXPECT_EQ(user.attributes, same.attributes);
      ++users;
    }
  }
  EXPECT_EQ(users, whole->dataset.users.size());
}

INSTANTIATE_TEST_SUITE_P(Splits,
                         PartitionFilesTest,
                         ::testing::Values("leave_one_out", "user_ratio", "global_time"));

TEST(ClientFolderNameTest, OddIdsStayInsideTheFolder) {
  EXPECT_EQ(ClientFolderName("bank-1.example_Y"), "bank-1.example_Y");
  const std::string longest(64, 'x');
  EXPECT_EQ(ClientFolderName(longest), longest);
  // The digits are those of `printf '../a b' | sha256sum`.
  EXPECT_EQ(ClientFolderName("../a b"), "_._a_b-2c2c791a");
}

TEST(ClientFolderNameTest, NamesAClientOfAFederationWhateverTheIdHolds) {
  std::set<std::string> names;
  const std::vector<std::string> ids = {"",
                                        ".",
                                        "..",
                                        "a b",
                                        "a/b",
                                        "a_b",
                                        "M\xC3\xBCnchen",
                                        "a@b",
                                        "a%20b",
                                        std::string(65, 'x'),
                                        std::string(66, 'x'),
                                        std::string(300, '/')};
  for (const std::string& id : ids) {
    const std::string name = ClientFolderName(id);
    EXPECT_TRUE(CheckClientId(name)) << name;
    EXPECT_TRUE(names.insert(name).second) << name << " is the name of two clients";
  }
}

}  // namespace
}  // namespace rondo
