#include "client/dry_run.h"

#include <gtest/gtest.h>

#include "tests/client/fakes.h"

namespace rondo::client::testing {
namespace {

TEST(DryRun, ShowsEveryTensorOfTheUpdateThatWouldBeSent) {
  const auto catalogue = SmallCatalogue();
  const ModelConfig model{.width = 4, .blocks = 1, .heads = 1, .history = 5};
  const auto layout = ModelLayout(model, catalogue->items()).value();
  FakeSource source(SmallLog(catalogue));
  TrainerScript trainer{.step = 2.0F};
  LocalWork work = MakeWork(source, trainer);
  work.Configure(model, catalogue->items());

  const auto report = DryRun(work, {.model = InitialParameters(layout, 1)}, {.round = 1});

  ASSERT_TRUE(report.has_value());
  ASSERT_EQ(report->tensors.size(), layout->entries().size());
  double squares = 0.0;
  for (const auto& tensor : report->tensors) {
    squares += tensor.norm * tensor.norm;
  }
  EXPECT_NEAR(squares, 4.0 * static_cast<double>(layout->size()), 1e-6);
  EXPECT_GT(report->bytes, 4 * layout->size());
  EXPECT_LT(report->bytes, 4 * layout->size() + 2000);
  EXPECT_NE(DryRunText(*report, "channel").find("sent        nothing"), std::string::npos);
}

}  // namespace
}  // namespace rondo::client::testing
