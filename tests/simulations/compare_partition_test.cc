#include "simulations/compare_partition.h"

#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulations/compare_tables.h"
#include "tests/data/data_files.h"

namespace rondo::sim {
namespace {

using rondo::testing::DataFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

/// Three users of two jobs. The last two events of a user are held out, so ann trains on a, b and
/// a, bob on b alone, and cid on c, d and a.
class ComparePartitionTest : public ::testing::Test {
 protected:
  ComparePartitionTest() {
    folder_.Write("log.inter",
                  "user_id:token\titem_id:token\ttimestamp:float\n"
                  "ann\ta\t1\nann\tb\t2\nann\ta\t3\nann\tc\t4\nann\td\t5\n"
                  "bob\tb\t1\nbob\tb\t2\nbob\tb\t3\nbob\tc\t4\nbob\td\t5\n"
                  "cid\tc\t1\ncid\td\t2\ncid\ta\t3\ncid\tb\t4\ncid\tc\t5\n");
    folder_.Write("log.user", "user_id:token\tjob:token\nann\tnurse\nbob\tnurse\ncid\tsmith\n");
  }

  RunRecord Run(const std::string& clients) const {
    RunRecord run;
    run.scenario.data.path = folder_.path();
    run.scenario.data.clients = clients;
    run.keys = KeysOf(run.scenario);
    run.fingerprint = LoadData(run.scenario.data).value().dataset.fingerprint;
    return run;
  }

  DataFolder folder_;
};

TEST_F(ComparePartitionTest, PicturesShowPopularityItemsOfClientsAndTheirOverlap) {
  const PartitionPictures pictures =
      PicturePartition({{.name = "fedavg", .runs = {Run("column:job"), Run("column:job")}}});

  EXPECT_EQ(pictures.missing, "");
  ASSERT_EQ(pictures.charts.size(), 3U);
  // Of nine training rows b has four, a three, c and d one each.
  EXPECT_THAT(std::get<LineChart>(pictures.charts[0]).series[0].points,
              ElementsAre(Pair(0.0, 0.0),
                          Pair(0.25, 4.0 / 9.0),
                          Pair(0.5, 7.0 / 9.0),
                          Pair(0.75, 8.0 / 9.0),
                          Pair(1.0, 1.0)));
  const auto& items = std::get<BarChart>(pictures.charts[1]).bars;
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].label, "nurse");
  EXPECT_EQ(items[0].value, 2.0);
  EXPECT_EQ(items[1].value, 3.0);
  // They share a alone: one of two items, one of three.
  EXPECT_THAT(std::get<HeatMap>(pictures.charts[2]).values,
              ElementsAre(ElementsAre(1.0, 0.5), ElementsAre(1.0 / 3.0, 1.0)));
}

TEST_F(ComparePartitionTest, WhatCannotBePicturedIsSaid) {
  EXPECT_THAT(PicturePartition({{.name = "a", .runs = {Run("column:job")}},
                                {.name = "b", .runs = {Run("user")}}})
                  .missing,
              HasSubstr("share users out to clients in different ways"));

  RunRecord run = Run("user");
  run.fingerprint = "0123456789abcdef";
  EXPECT_THAT(PicturePartition({{.name = "a", .runs = {run}}}).missing,
              AllOf(HasSubstr("is not what the runs read"), HasSubstr("theirs 0123456789ab.")));

  run.scenario.data.path = folder_.path() / "gone";
  const PartitionPictures gone = PicturePartition({{.name = "a", .runs = {run}}});
  EXPECT_THAT(gone.missing, HasSubstr("gone"));
  EXPECT_TRUE(gone.charts.empty());
}

}  // namespace
}  // namespace rondo::sim
