#include "client/dry_run.h"

#include <set>

#include <gtest/gtest.h>

#include "client/job.h"
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

  const auto report = DryRun(work, {.model = InitialParameters(layout, 1)}, {.round = 1}, {});

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

TEST(DryRun, CountsTheBytesThatARoundWouldSendOnEitherGrid) {
  const auto catalogue = SmallCatalogue();
  const ModelConfig model{.width = 4, .blocks = 1, .heads = 1, .history = 5};
  const auto layout = ModelLayout(model, catalogue->items()).value();
  const auto start =
      std::make_shared<const Broadcast>(Broadcast{.model = InitialParameters(layout, 1)});
  FakeSource source(SmallLog(catalogue));
  TrainerScript trainer{.step = 2.0F};  // A multiple of any step, so nothing is left to chance.
  LocalWork work = MakeWork(source, trainer);
  work.Configure(model, catalogue->items());

  std::set<std::uint64_t> sizes;
  for (const char* grid : {"exact", "ring"}) {
    Offer offer{.round = 1};
    offer.train.round = 1;
    offer.train.grid = MakeGrid({.grid = grid, .ring_bits = 16}, 8, 2).value();
    const auto report = DryRun(work, *start, offer.train, {});
    ASSERT_TRUE(report.has_value());
    const JobResult sent = RunJob(work, {.offer = offer, .model = start}, {});
    std::uint64_t bytes = 0;
    for (const Bytes& frame : sent.frames) {
      bytes += frame.size();
    }
    EXPECT_EQ(report->bytes, bytes) << grid;
    sizes.insert(bytes);
  }
  EXPECT_EQ(sizes.size(), 2u) << "the grids send different numbers";
}

TEST(DryRun, ShowsWhatStaysAndWhatEachBlockTakes) {
  const auto catalogue = SmallCatalogue();
  const ModelConfig model{.width = 4,
                          .blocks = 1,
                          .heads = 1,
                          .history = 5,
                          .personal = {"norm."},
                          .frozen = {"position."}};
  const auto layout = ModelLayout(model, catalogue->items()).value();
  FakeSource source(SmallLog(catalogue));
  TrainerScript trainer;
  LocalWork work = MakeWork(source, trainer);
  work.Configure(model, catalogue->items());
  TrainTask task{.round = 1, .normalise = true};
  task.compression = {.stages = {"quantise"}, .bits = 8};

  const auto report = DryRun(work, {.model = InitialParameters(layout, 1)}, task, {});

  ASSERT_TRUE(report.has_value()) << report.error().message;
  const auto shared = SharedLayout(layout);
  for (const auto& tensor : report->tensors) {
    EXPECT_EQ(tensor.group == ParameterGroup::kShared, shared->Find(tensor.name) != nullptr)
        << tensor.name;
  }
  ASSERT_EQ(report->blocks.size(), 2U);
  EXPECT_EQ(report->blocks[0].numbers, shared->size());
  EXPECT_TRUE(report->blocks[0].packed);
  // A byte a number, and a float a tensor.
  EXPECT_EQ(report->blocks[0].bytes, shared->size() + 4 * shared->entries().size());
  EXPECT_EQ(report->blocks[1].bytes, 4U);
  EXPECT_FALSE(report->blocks[1].packed);
  const std::string text = DryRunText(*report, "channel");
  EXPECT_NE(text.find("stays here"), std::string::npos) << text;
  EXPECT_NE(text.find("is fixed"), std::string::npos) << text;
  const std::string json = DryRunJson(*report, "channel");
  EXPECT_NE(json.find(R"("group":"personal")"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("name":"steps","numbers":1,"bytes":4,"packed":false)"), std::string::npos)
      << json;
}

}  // namespace
}  // namespace rondo::client::testing
