#include <cstdlib>

#include <gtest/gtest.h>

#include "common/data/events.h"
#include "tests/data/data_files.h"

// Known counts of public data sets, found by RONDO_DATA.

namespace rondo {
namespace {

std::filesystem::path DataSet(const char* name) {
  const char* const root = std::getenv("RONDO_DATA");
  if (root == nullptr) {
    return {};
  }
  const auto path = std::filesystem::path(root) / name;
  return std::filesystem::exists(path) ? path : std::filesystem::path{};
}

#define RONDO_REAL_DATA(variable, name)                                              \
  const std::filesystem::path variable = DataSet(name);                              \
  if (variable.empty()) {                                                            \
    GTEST_SKIP() << "set RONDO_DATA to a folder that holds the data set '" name "'"; \
  }

TEST(RealDataTest, MovieLens100k) {
  RONDO_REAL_DATA(path, "ml-100k");
  const auto table = ReadEvents({.path = path});
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->users.size(), 943U);
  EXPECT_EQ(table->items.size(), 1682U);
  EXPECT_EQ(table->events.size(), 100000U);
  auto loaded = LoadData({.path = path});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->report.bad_rows, 0U);
  EXPECT_EQ(loaded->dataset.users.size(), 943U);
  EXPECT_EQ(loaded->report.train_rows, 100000U - 2U * 943U);
  EXPECT_EQ(loaded->report.test_rows, 943U);
  EXPECT_NEAR(loaded->report.tied_share, 0.5, 0.1);
  EXPECT_EQ(loaded->dataset.catalogue->Title(loaded->dataset.catalogue->Row("1")), "Toy Story");
  const auto jobs = PartitionClients(loaded->dataset, {.clients = "column:occupation"});
  ASSERT_TRUE(jobs) << jobs.error().message;
  EXPECT_EQ(jobs->size(), 21U);
}

TEST(RealDataTest, OriginalFileGivesTheSameSequencesAsAtomicFiles) {
  RONDO_REAL_DATA(path, "ml-100k");
  const auto original = LoadData({.path = path / "u.data"});
  const auto atomic = LoadData({.path = path});
  ASSERT_TRUE(original) << original.error().message;
  ASSERT_TRUE(atomic) << atomic.error().message;
  ASSERT_EQ(original->dataset.users.size(), atomic->dataset.users.size());
  for (std::size_t u = 0; u < atomic->dataset.users.size(); ++u) {
    EXPECT_EQ(original->dataset.users[u].rows, atomic->dataset.users[u].rows);
  }
}

TEST(RealDataTest, YelpFileOrderIsItemOrderAndIsWarnedAbout) {
  RONDO_REAL_DATA(path, "yelp-cities");
  const auto loaded = LoadData({.path = path});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_GT(loaded->report.users_sorted_by_item, 0.95);
  EXPECT_FALSE(loaded->report.warnings.empty());
}

}  // namespace
}  // namespace rondo
