#include "common/core/suggest.h"

#include <gtest/gtest.h>

namespace rondo {
namespace {

TEST(Suggest, FindsTheNearestWord) {
  const std::vector<std::string> words = {"rounds", "cohort", "quorum", "learning_rate", "k"};

  EXPECT_EQ(Suggest("ronds", words), "rounds");
  EXPECT_EQ(Suggest("cohrot", words), "cohort");
  EXPECT_EQ(Suggest("Learning-Rate", words), "learning_rate");
  EXPECT_EQ(Suggest("learningrate", words), "learning_rate");
  EXPECT_EQ(Suggest("temperature", words), std::nullopt);
  EXPECT_EQ(Suggest("x", words), std::nullopt);
  EXPECT_EQ(Suggest("", words), std::nullopt);
  EXPECT_EQ(Suggest(std::string(100000, 'a'), words), std::nullopt);
}

TEST(Suggest, WritesAQuestionOrNothing) {
  const std::vector<std::string> words = {"sgd", "adam"};

  EXPECT_EQ(DidYouMean("adma", words), "; did you mean 'adam'?");
  EXPECT_EQ(DidYouMean("lion", words), "");
  EXPECT_EQ(JoinChoices(words), "sgd or adam");
  EXPECT_EQ(JoinChoices(std::vector<std::string>{"a", "b", "c"}), "a, b or c");
}

}  // namespace
}  // namespace rondo
