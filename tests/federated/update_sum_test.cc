#include "common/federated/update_sum.h"

#include <gtest/gtest.h>

namespace rondo {
namespace {

std::shared_ptr<const ParameterLayout> Flat(const std::string& name, std::int64_t size) {
  return ParameterLayout::Create({{.name = name, .shape = {size}}}).value();
}

bool Equal(const UpdateSum& a, const UpdateSum& b) {
  if (a.blocks.size() != b.blocks.size() || a.weight != b.weight || a.contributors != b.contributors
      || a.saturated != b.saturated) {
    return false;
  }
  for (std::size_t i = 0; i < a.blocks.size(); ++i) {
    if (a.blocks[i].name != b.blocks[i].name || a.blocks[i].values != b.blocks[i].values) {
      return false;
    }
  }
  return true;
}

GridSpec Grid(bool ring) {
  return MakeGrid(PrivacyConfig{.grid = ring ? "ring" : "exact", .ring_bits = 20}, 10, 8).value();
}

UpdateSum Update(std::uint64_t seed, bool ring) {
  Rng rng(StreamName{.seed = seed});
  std::vector<float> values(50);
  for (float& value : values) {
    value = static_cast<float>(rng.Normal());
  }
  UpdateSum sum;
  sum.weight = 1 + rng.Below(10);
  sum.contributors = 1;
  sum.blocks.push_back(MakeBlock("delta", Flat("x", 50), Grid(ring), Scaling::kByWeight));
  sum.saturated = FoldDense(sum.blocks[0], values, sum.weight, &rng).value();
  sum.blocks.push_back(MakeBlock("metrics", Flat("m", 50), Grid(ring), Scaling::kPerClient));
  sum.saturated += FoldDense(sum.blocks[1], values, 1, &rng).value();
  return sum;
}

TEST(UpdateSum, AddIsACommutativeMonoid) {
  for (const bool ring : {false, true}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const UpdateSum a = Update(3 * seed, ring);
      const UpdateSum b = Update(3 * seed + 1, ring);
      const UpdateSum c = Update(3 * seed + 2, ring);

      UpdateSum left = a;
      ASSERT_TRUE(left.Add(b).has_value());
      ASSERT_TRUE(left.Add(c).has_value());
      UpdateSum right = c;
      ASSERT_TRUE(right.Add(b).has_value());
      UpdateSum total = a;
      ASSERT_TRUE(total.Add(right).has_value());
      UpdateSum from_nothing;
      ASSERT_TRUE(from_nothing.Add(left).has_value());
      ASSERT_TRUE(from_nothing.Add(UpdateSum{}).has_value());

      EXPECT_TRUE(Equal(left, total));
      EXPECT_TRUE(Equal(left, from_nothing));
      EXPECT_EQ(left.contributors, 3U);
      EXPECT_EQ(left.weight, a.weight + b.weight + c.weight);
    }
  }
}

TEST(UpdateSum, AddEqualsFoldingIntoOneBlock) {
  const GridSpec grid = Grid(false);
  const std::vector<float> first = {0.1F, -0.7F};
  const std::vector<float> second = {0.3F, 0.9F};
  UpdateSum a{.blocks = {MakeBlock("x", Flat("x", 2), grid, Scaling::kByWeight)},
              .weight = 2,
              .contributors = 1};
  UpdateSum b = a;
  GridBlock both = a.blocks[0];
  ASSERT_TRUE(FoldDense(a.blocks[0], first, 2, nullptr).has_value());
  ASSERT_TRUE(FoldDense(b.blocks[0], second, 2, nullptr).has_value());
  ASSERT_TRUE(FoldDense(both, first, 2, nullptr).has_value());
  ASSERT_TRUE(FoldDense(both, second, 2, nullptr).has_value());

  ASSERT_TRUE(a.Add(b).has_value());

  EXPECT_EQ(a.blocks[0].values, both.values);
  EXPECT_NEAR(GridToReal(both)[1], 0.4, 1e-6);
}

TEST(UpdateSum, MismatchIsRefusedAndChangesNothing) {
  const UpdateSum good = Update(1, false);
  std::vector<UpdateSum> wrong(5, Update(2, false));
  wrong[0].blocks.pop_back();
  wrong[1].blocks[1].name = "other";
  wrong[2].blocks[1].layout = Flat("y", 50);
  wrong[3].blocks[1].grid.limit = 3.0;
  wrong[4].blocks[1].scaling = Scaling::kByWeight;
  for (const UpdateSum& other : wrong) {
    UpdateSum sum = good;

    const Status status = sum.Add(other);

    ASSERT_FALSE(status.has_value());
    EXPECT_EQ(status.error().code, ErrorCode::kFailedPrecondition);
    EXPECT_TRUE(Equal(sum, good));
  }
}

TEST(UpdateSum, FindsBlocksByName) {
  UpdateSum sum = Update(1, false);
  EXPECT_EQ(sum.Find(kDeltaBlock), &sum.blocks[0]);
  EXPECT_EQ(std::as_const(sum).Find(kMetricsBlock), &sum.blocks[1]);
  EXPECT_EQ(sum.Find("nothing"), nullptr);
}

}  // namespace
}  // namespace rondo
