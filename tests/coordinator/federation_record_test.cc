#include "coordinator/federation_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/file.h"
#include "coordinator/strategy.h"
#include "tests/support/full_disk.h"
#include "tests/support/temporary_folder.h"

namespace rondo::coordinator {
namespace {

using rondo::testing::FullDisk;
using rondo::testing::TemporaryFolder;
using ::testing::HasSubstr;

class FederationRecordTest : public ::testing::Test {
 protected:
  FederationRecordTest() {
    federation_.settings.state = folder_.path();
    federation_.scenario.name = "town";
    federation_.scenario.privacy.mode = "channel";
    federation_.scenario.model = {.width = 4, .blocks = 1, .heads = 1, .history = 3};
    federation_.layout = ModelLayout(federation_.scenario.model, 3).value();
    state_.round = 4;
    state_.model = InitialParameters(federation_.layout, 1);
  }

  FederationRecord Open() {
    auto record = FederationRecord::Open(federation_, state_);
    EXPECT_TRUE(record.has_value()) << record.error().message;
    return std::move(record).value();
  }

  FederationRecord::End Tested() const {
    return {.state = state_,
            .test = MetricTable{.names = {"full/ndcg@10"}, .means = {0.5}, .users = 40},
            .clients = {}};
  }

  bool Exists(const char* name) const { return std::filesystem::exists(folder_ / name); }

  TemporaryFolder folder_;
  Federation federation_{.settings = {},
                         .scenario = {},
                         .catalogue = Catalogue::Create({"a", "b", "c"}).value(),
                         .layout = nullptr};
  RunState state_;
};

TEST_F(FederationRecordTest, AModelIsTestedOnceHoweverOftenTheRunIsStarted) {
  EXPECT_FALSE(Open().HasTest(state_));
  ASSERT_TRUE(Open().Finish(Tested()).has_value());

  EXPECT_TRUE(Open().HasTest(state_));
  const auto again = Open().Finish({.state = state_, .test = std::nullopt, .clients = {}});
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(again->at("test").at("full").at("ndcg@10"), 0.5);

  state_.model = InitialParameters(federation_.layout, 2);  // More rounds selected another model.
  EXPECT_FALSE(Open().HasTest(state_));
}

TEST_F(FederationRecordTest, ALineThatCouldNotBeWrittenCostsNobodyTheResults) {
  FederationRecord record = Open();
  {
    const FullDisk full(0);
    record.observer().OnRound({.round = 4, .loss = 1.0});
  }

  const auto finished = record.Finish(Tested());

  ASSERT_FALSE(finished.has_value());
  EXPECT_EQ(finished.error().code, ErrorCode::kIo);
  for (const char* name : {"model.safetensors", "catalogue.tsv", "summary.json", "report.html"}) {
    EXPECT_TRUE(Exists(name)) << name;
  }
}

TEST_F(FederationRecordTest, MessagesThatNoClientWouldTakeAreFoundBeforeTheFirstOneComes) {
  const auto check = [this] {
    return federation_.CheckMessages(*Strategy::Create(federation_.scenario).value());
  };
  EXPECT_TRUE(check().has_value());

  federation_.scenario.evaluation.k.assign(64, 5);  // And 10, by which rounds are selected.
  ASSERT_FALSE(check().has_value());
  EXPECT_EQ(ExitCode(check().error().code), 4);
  EXPECT_THAT(check().error().message, HasSubstr("offer"));

  federation_.scenario.evaluation.k = {5};
  federation_.scenario.model.features.assign(1000, std::string(200, 'f'));
  ASSERT_FALSE(check().has_value());
  EXPECT_EQ(ExitCode(check().error().code), 4);
  EXPECT_THAT(check().error().message, HasSubstr("welcome"));
}

TEST_F(FederationRecordTest, ARunKeepsItsNameThroughRestartsUntilItBeginsAnew) {
  ASSERT_TRUE(federation_.KeepRunId(0));
  const std::string first = federation_.run_id;
  EXPECT_EQ(federation_.Welcome().run_id, first);
  EXPECT_FALSE(first.empty());

  federation_.run_id.clear();  // Another process.
  ASSERT_TRUE(federation_.KeepRunId(3));
  EXPECT_EQ(federation_.run_id, first);

  // No client keeps anything of a run without a finished round.
  ASSERT_TRUE(federation_.KeepRunId(0));
  EXPECT_NE(federation_.run_id, first);
}

}  // namespace
}  // namespace rondo::coordinator
