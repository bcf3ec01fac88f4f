#include "common/model/row_set.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/rng.h"

namespace rondo {
namespace {

TEST(RowSet, PlacesEachRowInAscendingOrderAndPaddingFirst) {
  Rng rng({.seed = 2});
  for (const std::int64_t items : {1, 63, 64, 65, 127, 1000}) {
    RowSet rows(items);
    std::set<ItemRow> want = {0};
    for (int i = 0; i < 40; ++i) {
      const auto row = static_cast<ItemRow>(1 + rng.Below(static_cast<std::uint64_t>(items)));
      rows.Insert({&row, 1});
      want.insert(row);
    }
    rows.Seal();
    ASSERT_THAT(rows.rows(), ::testing::ElementsAreArray(want)) << items;
    std::int64_t place = 0;
    for (const ItemRow row : want) {
      EXPECT_EQ(rows.Place(row), place++) << row << " of " << items;
    }
  }
}

TEST(RowSet, HoldsPaddingAloneWhenNothingWasInserted) {
  RowSet rows(10);
  rows.Seal();
  EXPECT_THAT(rows.rows(), ::testing::ElementsAre(0));
}

}  // namespace
}  // namespace rondo
