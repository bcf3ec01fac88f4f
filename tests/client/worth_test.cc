#include "client/worth.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/client/fakes.h"

namespace rondo::client::testing {
namespace {

TEST(Worth, TheVerdictFollowsTheIntervalOfTheGain) {
  const auto verdict = [](Interval gain) {
    return Verdict({.alone = "local only", .joined = "federated", .alone_ndcg = 0.1, .gain = gain});
  };

  EXPECT_TRUE(
      verdict({.mean = 0.01, .low = 0.005, .high = 0.02}).starts_with("Joining is worth it"));
  EXPECT_TRUE(verdict({.mean = -0.01, .low = -0.02, .high = -0.005})
                  .starts_with("Joining is not worth it"));
  EXPECT_TRUE(
      verdict({.mean = 0.01, .low = -0.01, .high = 0.02}).starts_with("No clear difference"));
  EXPECT_NE(verdict({.mean = 0.01}).find("+10 %"), std::string::npos);
}

TEST(Worth, ScoresAllMethodsOnTheSameUsersAndOpensTheTestOnce) {
  const auto catalogue = SmallCatalogue();
  const ModelConfig model{.width = 4, .blocks = 1, .heads = 1, .history = 5};
  LoadedData data = SmallLog(catalogue);
  FakeSource source(SmallLog(catalogue));
  TrainerScript script;
  const auto trainers =
      [&](const CohortTrainer::Options&) -> Result<std::unique_ptr<CohortTrainer>> {
    return std::unique_ptr<CohortTrainer>(std::make_unique<FakeTrainer>(script));
  };
  const auto scorers = [&](const CohortTrainer::Options&,
                           const ParameterVector&) -> Result<std::unique_ptr<Scorer>> {
    EXPECT_EQ(data.test.openings(), 0) << "a model was chosen after the test split was opened";
    return std::unique_ptr<Scorer>(std::make_unique<RowScorer>(catalogue->items()));
  };
  const ParameterVector federated =
      InitialParameters(ModelLayout(model, catalogue->items()).value(), 1);

  const auto report =
      MeasureWorth(federated,
                   data,
                   trainers,
                   scorers,
                   {.model = {.model = model, .items = catalogue->items()}, .resamples = 50});

  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(report->users, 3u);
  EXPECT_TRUE(report->noisy);
  ASSERT_EQ(report->methods.size(), 5u);
  EXPECT_EQ(data.test.openings(), 1);
  EXPECT_EQ(report->methods[0].behind_federated.mean, 0.0);
  // All models score alike here, so each side takes the first of its best on validation.
  EXPECT_EQ(report->choice.joined, "federated");
  for (const MethodScore& method : report->methods) {
    const bool joined = method.name.starts_with("federated");
    const std::string& chosen = joined ? report->choice.joined : report->choice.alone;
    const auto best = std::find_if(report->methods.begin(),
                                   report->methods.end(),
                                   [&](const MethodScore& other) { return other.name == chosen; });
    EXPECT_LE(method.validation_ndcg, best->validation_ndcg) << method.name;
  }
  // Nothing improves on validation, so both trainings stop after `patience` looks, and each was one
  // task from its first epoch to its last.
  EXPECT_EQ(script.calls, 6);
  EXPECT_EQ(script.fits, 2);
}

TEST(Worth, WhoTrainsAloneLeavesNothingFixedOrApart) {
  const auto catalogue = SmallCatalogue();
  const ModelConfig model{.width = 4,
                          .blocks = 1,
                          .heads = 1,
                          .history = 5,
                          .personal = {"norm."},
                          .frozen = {"position."}};
  LoadedData data = SmallLog(catalogue);
  TrainerScript script;
  std::vector<std::size_t> words;
  const auto trainers =
      [&](const CohortTrainer::Options& options) -> Result<std::unique_ptr<CohortTrainer>> {
    words.push_back(options.model.personal.size() + options.model.frozen.size());
    return std::unique_ptr<CohortTrainer>(std::make_unique<FakeTrainer>(script));
  };
  const auto scorers = [&](const CohortTrainer::Options& options,
                           const ParameterVector& weights) -> Result<std::unique_ptr<Scorer>> {
    const auto layout = ModelLayout(options.model, catalogue->items()).value();
    EXPECT_EQ(weights.layout->digest(), layout->digest());
    return std::unique_ptr<Scorer>(std::make_unique<RowScorer>(catalogue->items()));
  };
  const ParameterVector federated =
      InitialParameters(ModelLayout(model, catalogue->items()).value(), 1);

  const auto report =
      MeasureWorth(federated,
                   data,
                   trainers,
                   scorers,
                   {.model = {.model = model, .items = catalogue->items()}, .resamples = 50});

  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(words, (std::vector<std::size_t>{0, 2}));
}

}  // namespace
}  // namespace rondo::client::testing
