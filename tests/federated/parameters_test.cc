#include "common/federated/parameters.h"

#include <cmath>
#include <set>

#include <gtest/gtest.h>

namespace rondo {
namespace {

std::vector<std::string> Names(const ParameterLayout& layout) {
  std::vector<std::string> names;
  for (const ParameterEntry& entry : layout.entries()) {
    names.push_back(entry.name);
  }
  return names;
}

TEST(ModelLayout, ListsTheTensorsInOrder) {
  const ModelConfig config{.width = 8, .blocks = 1, .heads = 2, .history = 5};

  const auto layout = ModelLayout(config, 10).value();

  const std::vector<std::string> expected = {"item.weight",
                                             "position.weight",
                                             "blocks.0.norm1.weight",
                                             "blocks.0.norm1.bias",
                                             "blocks.0.query.weight",
                                             "blocks.0.query.bias",
                                             "blocks.0.key.weight",
                                             "blocks.0.key.bias",
                                             "blocks.0.value.weight",
                                             "blocks.0.value.bias",
                                             "blocks.0.output.weight",
                                             "blocks.0.output.bias",
                                             "blocks.0.norm2.weight",
                                             "blocks.0.norm2.bias",
                                             "blocks.0.ff1.weight",
                                             "blocks.0.ff1.bias",
                                             "blocks.0.ff2.weight",
                                             "blocks.0.ff2.bias",
                                             "norm.weight",
                                             "norm.bias"};
  EXPECT_EQ(Names(*layout), expected);
  EXPECT_EQ(layout->size(), 11U * 8 + 5 * 8 + 4 * 8 + 6 * (64 + 8) + 2 * 8);
  EXPECT_EQ(layout->Find("item.weight")->shape, (std::vector<std::int64_t>{11, 8}));
  EXPECT_TRUE(layout->Find("item.weight")->row_addressable);
  EXPECT_EQ(layout->Find("nothing"), nullptr);
}

TEST(ModelLayout, LastAttentionKindRepeats) {
  const ModelConfig config{
      .width = 8, .blocks = 3, .heads = 2, .attention = {"additive", "bilinear"}};

  const auto layout = ModelLayout(config, 10).value();

  EXPECT_EQ(layout->Find("blocks.0.additive.weight")->shape, (std::vector<std::int64_t>{2, 4}));
  EXPECT_EQ(layout->Find("blocks.1.bilinear.weight")->shape, (std::vector<std::int64_t>{2, 4, 4}));
  EXPECT_NE(layout->Find("blocks.2.bilinear.weight"), nullptr);
}

TEST(ModelLayout, FeaturesAddTablesAndFusion) {
  const ModelConfig sum{.width = 8, .features = {"genres"}, .fusion = "sum", .positions = false};
  ModelConfig gate = sum;
  gate.fusion = "gate";

  const auto plain = ModelLayout(sum, 10, 7).value();
  const auto gated = ModelLayout(gate, 10, 7).value();

  EXPECT_EQ(plain->Find("feature.weight")->shape, (std::vector<std::int64_t>{7, 8}));
  EXPECT_EQ(plain->Find("fusion.weight"), nullptr);
  EXPECT_EQ(plain->Find("position.weight"), nullptr);
  EXPECT_EQ(gated->Find("fusion.weight")->shape, (std::vector<std::int64_t>{8, 16}));
  EXPECT_NE(plain->digest(), gated->digest());
}

TEST(ModelLayout, RefusesImpossibleConfigurations) {
  EXPECT_EQ(ModelLayout({.width = 10, .heads = 3}, 5).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ModelLayout({.attention = {"gaussian"}}, 5).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ModelLayout({.attention = {}}, 5).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ModelLayout({.fusion = "mix"}, 5).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ModelLayout({}, 0).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ModelLayout({.width = 64}, 1LL << 26).error().code, ErrorCode::kInvalidArgument);
}

TEST(ParameterLayout, RefusesBadEntries) {
  EXPECT_FALSE(ParameterLayout::Create({{.name = "", .shape = {1}}}).has_value());
  EXPECT_FALSE(ParameterLayout::Create({{.name = "a", .shape = {1}}, {.name = "a", .shape = {2}}})
                   .has_value());
  EXPECT_FALSE(ParameterLayout::Create({{.name = "a", .shape = {}}}).has_value());
  EXPECT_FALSE(ParameterLayout::Create({{.name = "a", .shape = {3, 0}}}).has_value());
  EXPECT_FALSE(ParameterLayout::Create({{.name = "a", .shape = {3, -1}}}).has_value());
  EXPECT_FALSE(
      ParameterLayout::Create({{.name = "a", .shape = {1LL << 40, 1LL << 40}}}).has_value());
}

TEST(ParameterLayout, DigestCoversEveryField) {
  const ParameterEntry base{
      .name = "a", .shape = {2, 3}, .init = InitRule::kNormal, .init_scale = 0.5};
  std::vector<ParameterEntry> variants(7, base);
  variants[1].name = "b";
  variants[2].shape = {3, 2};
  variants[3].init_scale = 0.25;
  variants[4].group = ParameterGroup::kFrozen;
  variants[5].row_addressable = true;
  variants[6].zero_first_row = true;

  std::set<std::string> digests;
  for (const ParameterEntry& entry : variants) {
    digests.insert(ParameterLayout::Create({entry}).value()->digest());
  }

  EXPECT_EQ(digests.size(), variants.size());
  EXPECT_EQ(ParameterLayout::Create({base}).value()->digest(),
            ParameterLayout::Create({base}).value()->digest());
}

TEST(InitialParameters, FollowTheRules) {
  const auto layout = ModelLayout({.width = 64, .blocks = 1}, 500).value();

  const ParameterVector model = InitialParameters(layout, 1);

  const auto items = model.Tensor("item.weight");
  for (std::size_t i = 0; i < 64; ++i) {
    EXPECT_EQ(items[i], 0.0F);
  }
  double sum = 0.0;
  double squares = 0.0;
  for (const float value : items.subspan(64)) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  const double count = 500.0 * 64.0;
  EXPECT_NEAR(sum / count, 0.0, 5.0 * 0.02 / std::sqrt(count));
  EXPECT_NEAR(std::sqrt(squares / count), 0.02, 5.0 * 0.02 / std::sqrt(2.0 * count));
  EXPECT_EQ(model.Tensor("norm.weight")[3], 1.0F);
  EXPECT_EQ(model.Tensor("blocks.0.query.bias")[3], 0.0F);
  EXPECT_NE(model.values, InitialParameters(layout, 2).values);
  EXPECT_EQ(model.values, InitialParameters(layout, 1).values);
}

}  // namespace
}  // namespace rondo
