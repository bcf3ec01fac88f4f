#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/federated/parameters.h"

namespace rondo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ModelConfig Config(std::vector<std::string> personal, std::vector<std::string> frozen) {
  return {.width = 4,
          .blocks = 1,
          .heads = 1,
          .history = 3,
          .personal = std::move(personal),
          .frozen = std::move(frozen)};
}

std::vector<std::string> NamesOf(const ParameterLayout& layout, ParameterGroup group) {
  std::vector<std::string> names;
  for (const ParameterEntry& entry : layout.entries()) {
    if (entry.group == group) {
      names.push_back(entry.name);
    }
  }
  return names;
}

TEST(Groups, WordsAreNamesOrTheirBeginnings) {
  const auto layout = ModelLayout(Config({"norm."}, {"item.weight", "pos"}), 6).value();

  EXPECT_THAT(NamesOf(*layout, ParameterGroup::kPersonal), ElementsAre("norm.weight", "norm.bias"));
  EXPECT_THAT(NamesOf(*layout, ParameterGroup::kFrozen),
              ElementsAre("item.weight", "position.weight"));
  EXPECT_EQ(layout->Find("blocks.0.norm1.weight")->group, ParameterGroup::kShared);
  EXPECT_EQ(GroupOf(Config({"norm."}, {}), "norm.bias"), ParameterGroup::kPersonal);
  EXPECT_EQ(GroupOf(Config({"norm."}, {}), "blocks.0.norm1.bias"), ParameterGroup::kShared);
}

TEST(Groups, LayoutsDifferByTheirGroups) {
  const auto plain = ModelLayout(Config({}, {}), 6).value();
  const auto personal = ModelLayout(Config({"norm."}, {}), 6).value();
  const auto frozen = ModelLayout(Config({}, {"norm."}), 6).value();

  EXPECT_NE(plain->digest(), personal->digest());
  EXPECT_NE(plain->digest(), frozen->digest());
  EXPECT_NE(personal->digest(), frozen->digest());
  EXPECT_EQ(InitialParameters(plain, 5).values, InitialParameters(personal, 5).values);
}

TEST(Groups, ThePartsOfALayoutMakeItUp) {
  const auto layout = ModelLayout(Config({"norm."}, {"item."}), 6).value();

  const auto shared = SharedLayout(layout);
  const auto personal = PersonalLayout(*layout);

  EXPECT_THAT(NamesOf(*shared, ParameterGroup::kPersonal), IsEmpty());
  EXPECT_THAT(NamesOf(*shared, ParameterGroup::kFrozen), IsEmpty());
  EXPECT_EQ(personal->size(), 2U * 4);
  EXPECT_EQ(shared->size(), layout->size() - 2 * 4 - 7 * 4);
  EXPECT_EQ(shared->entries().front().name, "position.weight");
  EXPECT_EQ(shared->entries().front().offset, 0U);
}

TEST(Groups, ALayoutThatIsSharedWholeIsItsOwnPart) {
  const auto layout = ModelLayout(Config({}, {}), 6).value();

  EXPECT_EQ(SharedLayout(layout), layout);
  EXPECT_EQ(PersonalLayout(*layout), nullptr);
}

TEST(Groups, CopiesOnlyTensorsOfBothLayouts) {
  const auto layout = ModelLayout(Config({"norm."}, {}), 6).value();
  const auto part = PersonalLayout(*layout);
  ParameterVector whole{.layout = layout, .values = std::vector<float>(layout->size(), 1.0F)};
  const ParameterVector own{.layout = part, .values = std::vector<float>(part->size(), 7.0F)};

  CopyTensors(own, whole);

  for (const ParameterEntry& entry : layout->entries()) {
    const float expected = entry.group == ParameterGroup::kPersonal ? 7.0F : 1.0F;
    EXPECT_THAT(whole.Tensor(entry.name), ::testing::Each(expected)) << entry.name;
  }
}

TEST(Groups, ImpossibleOnesAreRefusedByKey) {
  const struct {
    const char* name;
    ModelConfig config;
    ::testing::Matcher<std::string> message;
  } cases[] = {
      {"mistyped",
       Config({"positoin."}, {}),
       AllOf(HasSubstr("model.personal: no parameter is called \"positoin.\""),
             HasSubstr("did you mean 'position.'?"),
             HasSubstr("item., position., blocks.0. or norm."))},
      {"no such block", Config({}, {"blocks.7."}), HasSubstr("model.frozen: no parameter")},
      {"empty word", Config({""}, {}), HasSubstr("model.personal: no parameter is called \"\"")},
      {"both",
       Config({"norm."}, {"norm.bias"}),
       HasSubstr("model.frozen: the parameter \"norm.bias\" is in model.personal, too")},
      {"nothing left",
       Config({"item.", "position.", "norm."}, {"blocks."}),
       HasSubstr("leave no parameter to share")},
  };

  for (const auto& test : cases) {
    const auto layout = ModelLayout(test.config, 6);
    ASSERT_FALSE(layout.has_value()) << test.name;
    EXPECT_EQ(layout.error().code, ErrorCode::kInvalidArgument) << test.name;
    EXPECT_THAT(layout.error().message, test.message) << test.name;
  }
}

}  // namespace
}  // namespace rondo
