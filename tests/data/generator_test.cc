#include "common/data/generator.h"

#include <cmath>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/data/data_files.h"

namespace rondo {
namespace {

using testing::DataFolder;
using ::testing::HasSubstr;

GeneratedData Generate(const GeneratorConfig& config) {
  auto data = GenerateData(config);
  RONDO_CHECK(data.has_value()) << data.error().message;
  return std::move(data).value();
}

std::vector<std::vector<std::size_t>> Walks(const GeneratedData& data) {
  std::vector<std::vector<std::size_t>> walks(data.table.users.size());
  for (const LogEvent& event : data.table.events) {
    walks[event.user].push_back(event.item);
  }
  return walks;
}

TEST(GeneratorTest, EqualSeedsGiveEqualFilesAndOtherSeedsOthers) {
  const DataFolder folder;
  GeneratorConfig config{.users = 30, .items = 80, .interests = 4, .events = 10, .typed = true};
  ASSERT_TRUE(WriteGenerated(Generate(config), config, folder.path() / "a"));
  ASSERT_TRUE(WriteGenerated(Generate(config), config, folder.path() / "b"));
  config.seed = 2;
  ASSERT_TRUE(WriteGenerated(Generate(config), config, folder.path() / "c"));
  const auto text = [&](const char* run, const char* file) {
    return *ReadTextFile(folder.path() / run / file);
  };
  for (const char* const file : {"synthetic.inter",
                                 "synthetic.item",
                                 "synthetic.user",
                                 "truth.json",
                                 "text.npy",
                                 "image.npy",
                                 "audio.npy"}) {
    EXPECT_EQ(text("a", file), text("b", file)) << file;
    EXPECT_NE(text("a", file), text("c", file)) << file;
  }
}

TEST(GeneratorTest, EventsFollowTheRingAsOftenAsAsked) {
  const GeneratedData data = Generate({.sequential = 0.6, .exploration = 0.4});
  double follows = 0.0;
  double steps = 0.0;
  for (const auto& walk : Walks(data)) {
    std::set<std::size_t> met = {walk.front()};
    for (std::size_t p = 1; p < walk.size(); ++p) {
      auto next = static_cast<std::size_t>(data.successor[walk[p - 1]]);
      while (met.contains(next)) {
        next = static_cast<std::size_t>(data.successor[next]);
      }
      follows += walk[p] == next ? 1.0 : 0.0;
      steps += 1.0;
      EXPECT_TRUE(met.insert(walk[p]).second) << "no item comes twice";
    }
  }
  // 24,000 steps: three standard errors are .01; exploration finds the ring by chance once in 400.
  EXPECT_NEAR(follows / steps, 0.6 + 0.4 / 370.0, 0.012);
}

TEST(GeneratorTest, UsersKeepToTheirInterests) {
  const GeneratedData data =
      Generate({.events = 12, .sequential = 0.0, .exploration = 0.0, .concentration = 0.05});
  double liked = 0.0;
  double events = 0.0;
  const auto walks = Walks(data);
  for (std::size_t u = 0; u < walks.size(); ++u) {
    for (const std::size_t item : walks[u]) {
      liked += data.mixtures[u][static_cast<std::size_t>(data.interest[item])];
      events += 1.0;
    }
  }
  EXPECT_GT(liked / events, 0.7) << "by chance it would be an eighth";
}

TEST(GeneratorTest, VectorsAreThePrototypePlusTheKnownNoise) {
  const GeneratorConfig config{
      .modalities = {{.name = "m", .dimension = 50, .noise = 0.5, .missing = 0.25}}};
  const GeneratedData data = Generate(config);
  double squares = 0.0;
  double count = 0.0;
  double missing = 0.0;
  for (std::size_t i = 0; i < 400; ++i) {
    missing += std::isnan(data.vectors[0][i * 50]) ? 1.0 : 0.0;
    for (std::size_t d = 0; d < 50; ++d) {
      const double value = data.vectors[0][i * 50 + d];
      if (!std::isnan(value)) {
        const double residual =
            value - data.prototypes[0][static_cast<std::size_t>(data.interest[i]) * 50 + d];
        squares += residual * residual;
        count += 1.0;
      }
    }
  }
  EXPECT_NEAR(std::sqrt(squares / count), 0.5, 0.01);
  EXPECT_NEAR(missing / 400, 0.25, 0.07);
  EXPECT_EQ(static_cast<int>(count) % 50, 0) << "a vector is missing as a whole";
}

TEST(GeneratorTest, FilesLoadAsADataSet) {
  const DataFolder folder;
  const GeneratorConfig config{.typed = true};
  ASSERT_TRUE(WriteGenerated(Generate(config), config, folder.path()));
  const auto loaded =
      LoadData({.path = folder.path(),
                .events = {{"view", "both"}, {"buy", "ignore"}, {"dislike", "negative"}}});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->dataset.users.size(), 600U);
  EXPECT_EQ(loaded->report.bad_rows, 0U);
  EXPECT_TRUE(loaded->report.warnings.empty());
  std::size_t negatives = 0;
  for (const UserSequence& user : loaded->dataset.users) {
    negatives += user.negatives.size();
  }
  EXPECT_GT(negatives, 600U);
  EXPECT_TRUE(PartitionClients(loaded->dataset, {.clients = "column:region"}));
}

TEST(GeneratorTest, NpyHeaderIsAligned) {
  const DataFolder folder;
  const GeneratorConfig config{.users = 5, .items = 40, .interests = 2, .events = 8};
  ASSERT_TRUE(WriteGenerated(Generate(config), config, folder.path()));
  const std::string npy = *ReadTextFile(folder.path() / "text.npy");
  EXPECT_EQ(npy.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_THAT(npy, HasSubstr("'shape': (40, 16)"));
  EXPECT_EQ(npy.size() % 64, 0U);
  EXPECT_EQ(npy[npy.size() - 40 * 16 * 4 - 1], '\n');
}

TEST(GeneratorTest, ImpossibleSizesAreRefused) {
  EXPECT_FALSE(GenerateData({.users = 0}));
  EXPECT_FALSE(GenerateData({.items = 10, .interests = 8}));
  EXPECT_FALSE(GenerateData({.items = 60, .events = 40}));
  EXPECT_FALSE(GenerateData({.sequential = 0.8, .exploration = 0.3}));
}

}  // namespace
}  // namespace rondo
