#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/file.h"
#include "common/io/json.h"
#include "coordinator/run_checkpoints.h"
#include "coordinator/run_files.h"
#include "coordinator/run_page.h"
#include "coordinator/run_recorder.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_folder.h"

namespace rondo::coordinator {
namespace {

using rondo::testing::Fault;
using rondo::testing::LoopFixture;
using rondo::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const RunRecorder::WallTime kNow{std::chrono::seconds(1'700'000'000)};

/// A process that dies after a number of steps: what it does later reaches no disk.
class Mortal : public RoundObserver {
 public:
  Mortal(RunRecorder& recorder, int steps) : recorder_(recorder), steps_(steps) {}

  bool Alive() { return steps_-- > 0; }

  bool dead() const { return steps_ < 0; }

  void OnRound(const RoundReport& report) override {
    if (Alive()) {
      recorder_.OnRound(report);
    }
  }

  void OnValidation(const ValidationReport& report) override {
    if (Alive()) {
      recorder_.OnValidation(report);
    }
  }

 private:
  RunRecorder& recorder_;
  int steps_;
};

/// A run of nine rounds, one of them void, with validations; its checkpoints and its record lie in
/// a folder.
class RunRecordTest : public ::testing::Test {
 protected:
  static void Configure(LoopFixture& fixture) {
    fixture.scenario.strategy.rounds = 9;
    fixture.scenario.strategy.quorum = 3;
    fixture.scenario.evaluation.every = 2;
    fixture.pool.ndcg = [](RoundId round) {
      return 0.1 + 0.01 * round;
    };
    fixture.pool.fault = [](const ClientId&, const Offer& offer) {
      return offer.round == 5 && offer.kind == OfferKind::kTrain ? Fault::kDropAfterOffer
                                                                 : Fault::kNone;
    };
  }

  /// One process, from the newest checkpoint to its end or its death. Returns whether it lived.
  bool Play(const std::filesystem::path& folder, int steps) {
    LoopFixture fixture;
    Configure(fixture);
    auto checkpoints = RunCheckpoints::Open(
        {.folder = folder / "checkpoints", .layout = fixture.layout}, {.seed = 1});
    EXPECT_TRUE(checkpoints.has_value());
    if (auto saved = checkpoints->Latest().value()) {
      fixture.start = *saved;
    }
    auto directory = RunDirectory::Adopt(folder);
    EXPECT_TRUE(directory.has_value());
    auto recorder =
        RunRecorder::Open(*directory, fixture.start, kNow + std::chrono::seconds(++starts_));
    EXPECT_TRUE(recorder.has_value()) << recorder.error().message;
    Mortal mortal(*recorder, steps);
    fixture.observer.next = &mortal;
    fixture.sink.on_save = [&](const RunState& state) {
      if (mortal.Alive()) {
        EXPECT_TRUE(checkpoints->Save(state));
      }
    };
    EXPECT_TRUE(fixture.Run().has_value());
    EXPECT_TRUE(recorder->status());
    return !mortal.dead();
  }

  /// What happened, in order, without times.
  static std::vector<std::string> Lines(const std::filesystem::path& folder) {
    std::vector<std::string> lines;
    for (boost::json::object& line : RunDirectory::Adopt(folder).value().ReadRounds().value()) {
      line.erase("time");
      line.erase("seconds");
      line.erase("bytes_up");
      line.erase("bytes_down");
      lines.push_back(CompactJson(line));
    }
    return lines;
  }

  using Points = std::vector<std::pair<std::int64_t, double>>;
  using CurveMap = std::map<std::string, Points>;

  /// The curves of each folder as TensorBoard shows them: files in order of name, and a later start
  /// takes back points.
  static std::vector<CurveMap> Curves(const std::vector<std::filesystem::path>& folders) {
    std::string command =
        std::string("python3 ") + RONDO_SOURCE_FOLDER + "/scripts/reference/read_events.py";
    std::vector<std::size_t> folder_of;  // Of every file.
    for (std::size_t i = 0; i < folders.size(); ++i) {
      for (const std::string& file : EventFiles(folders[i])) {
        command += " " + file;
        folder_of.push_back(i);
      }
    }
    const auto read = rondo::testing::RunCommand(command);
    EXPECT_EQ(read.exit_status, 0);
    std::vector<CurveMap> curves(folders.size());
    std::size_t files = 0;
    std::istringstream text(read.output);
    for (std::string line; std::getline(text, line);) {
      const boost::json::object event = ParseJson(line).value().as_object();
      files += event.contains("file_version") ? 1 : 0;
      AddEvent(event, curves.at(folder_of.at(files - 1)));
    }
    return curves;
  }

  static std::vector<std::string> EventFiles(const std::filesystem::path& folder) {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().filename().string().rfind("events.out.tfevents.", 0) == 0) {
        files.push_back(entry.path().string());
      }
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  static void AddEvent(const boost::json::object& event, CurveMap& curves) {
    if (event.contains("session")) {
      for (auto& [tag, points] : curves) {
        std::erase_if(
            points, [&](const auto& point) { return point.first >= event.at("step").as_int64(); });
      }
    } else if (const auto* tag = event.if_contains("tag")) {
      curves[std::string(tag->as_string())].emplace_back(event.at("step").as_int64(),
                                                         event.at("value").to_number<double>());
    }
  }

  int starts_ = 0;
};

TEST_F(RunRecordTest, AfterACrashAtAnyStepNoRoundIsLostOrRepeated) {
  const TemporaryFolder top;
  std::vector<std::filesystem::path> folders = {top / "straight"};
  ASSERT_TRUE(Play(folders[0], 1000));
  const std::vector<std::string> expected = Lines(folders[0]);
  ASSERT_EQ(expected.size(), 9U + 5U);  // Validations after rounds 2, 4, 6, 8 and the last.

  for (bool lived = false; !lived;) {
    const int steps = static_cast<int>(folders.size()) - 1;
    folders.push_back(top / std::to_string(steps));
    lived = Play(folders.back(), steps);
    while (!Play(folders.back(), 7)) {
      // Dies again and again, each time a little further.
    }
    EXPECT_EQ(Lines(folders.back()), expected) << "killed after " << steps << " steps";
  }

  ASSERT_GE(folders.size(), 9U + 9U + 5U);
  const std::vector<CurveMap> curves = Curves(folders);
  EXPECT_EQ(curves[0].at("validation/full/ndcg@10").size(), 5U);
  EXPECT_EQ(curves[0].at("train/loss").size(), 8U);
  for (std::size_t i = 1; i < curves.size(); ++i) {
    EXPECT_EQ(curves[i], curves[0]) << "killed after " << i - 1 << " steps";
  }
}

TEST_F(RunRecordTest, TheTestSplitIsInNoLine) {
  const TemporaryFolder folder;
  auto directory = RunDirectory::Adopt(folder.path());
  RunState state;
  auto recorder = RunRecorder::Open(*directory, state, kNow);
  const MetricTable metrics{.names = {"full/ndcg@10"}, .means = {0.5}, .users = 20};

  recorder->OnValidation({.round = 3, .split = Split::kTest, .metrics = metrics});
  EXPECT_TRUE(Lines(folder.path()).empty());
  recorder->OnValidation({.round = 3, .split = Split::kValidation, .metrics = metrics});
  EXPECT_EQ(Lines(folder.path()).size(), 1U);
  EXPECT_EQ(Curves({folder.path()})[0].size(), 1U);
}

TEST_F(RunRecordTest, ALineThatCannotBeWrittenIsRemembered) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink("/dev/full", folder / "rounds.jsonl");
  auto directory = RunDirectory::Adopt(folder.path());
  // A fresh run has nothing to read; /dev/full would give zeros without end.
  std::filesystem::remove(folder / "rounds.jsonl");
  RunState state;
  auto recorder = RunRecorder::Open(*directory, state, kNow);
  ASSERT_TRUE(recorder.has_value());
  std::filesystem::create_symlink("/dev/full", folder / "rounds.jsonl");

  recorder->OnRound({.round = 1, .loss = 2.0});

  ASSERT_FALSE(recorder->status());
  EXPECT_EQ(recorder->status().error().code, ErrorCode::kIo);
}

TEST_F(RunRecordTest, TotalsCountTheRoundsOfEarlierProcesses) {
  const TemporaryFolder folder;
  auto directory = RunDirectory::Adopt(folder.path());
  RunState state;
  {
    auto recorder = RunRecorder::Open(*directory, state, kNow);
    recorder->OnRound({.round = 1, .loss = 1.0, .seconds = 2.0, .bytes_up = 10, .bytes_down = 20});
    recorder->OnRound({.round = 2, .loss = 1.0, .seconds = 3.0, .bytes_up = 10, .bytes_down = 20});
  }
  state.round = 2;
  auto recorder = RunRecorder::Open(*directory, state, kNow);
  recorder->OnRound({.round = 3, .loss = 1.0, .seconds = 4.0, .bytes_up = 10, .bytes_down = 20});

  const RunTotals totals = recorder->TotalsWith(100.0, 1000, 2000);

  EXPECT_EQ(totals.seconds, 105.0);
  EXPECT_EQ(totals.bytes_up, 1020U);
  EXPECT_EQ(totals.bytes_down, 2040U);
  EXPECT_THAT(totals.round_seconds, ElementsAre(2.0, 3.0, 4.0));
}

TEST(RunFiles, ASummaryWithoutPooledDataHasNoBaselines) {
  Scenario scenario;
  scenario.name = "town";
  scenario.privacy.mode = "channel";
  const Catalogue catalogue = Catalogue::Create({"a", "b"}).value();
  RunState state;
  state.round = 4;
  state.best_round = 3;
  const MetricTable test{.names = {"full/ndcg@10", "full/hr@10", "sampled99/hr@10"},
                         .means = {0.25, 0.5, std::nan("")},
                         .users = 40};

  const boost::json::object summary = SummaryJson({.scenario = scenario,
                                                   .catalogue = catalogue,
                                                   .state = state,
                                                   .clients = 3,
                                                   .model_sha256 = "abc",
                                                   .test = MetricsByProtocol(test)});

  EXPECT_EQ(summary.at("baselines"), nullptr);
  EXPECT_EQ(summary.at("blas"), nullptr);
  EXPECT_EQ(summary.at("selected_round"), 3);
  EXPECT_EQ(summary.at("privacy").at("mode"), "channel");
  EXPECT_EQ(summary.at("test").at("full").at("users"), 40);
  EXPECT_EQ(summary.at("test").at("full").at("hr@10"), 0.5);
  EXPECT_EQ(summary.at("test").at("sampled99").at("hr@10"), nullptr);
  EXPECT_EQ(MetricsByProtocol(std::nullopt), nullptr);
}

TEST(RunPage, NamesTheTrustModeAndWhatTheCoordinatorSees) {
  Scenario scenario;
  scenario.name = "town & country";
  scenario.privacy.mode = "channel";
  RunState state;
  state.round = 2;
  const std::vector<boost::json::object> lines = {
      {{"event", "round"}, {"round", 1}, {"loss", 2.5}},
      {{"event", "round"}, {"round", 2}, {"loss", nullptr}},
      {{"event", "validation"}, {"round", 2}, {"validation", {{"full/ndcg@10", 0.125}}}}};

  const ReportInput page =
      RunPage({.scenario = scenario, .state = state, .clients = 3, .totals = {}, .lines = lines});

  EXPECT_EQ(page.trust_mode, "channel");
  EXPECT_THAT(page.trust_text, HasSubstr("sees each update"));
  EXPECT_THAT(page.lead, HasSubstr("the newest model counts"));
  const auto& loss = std::get<LineChart>(page.charts.at(0)).series.at(0);
  EXPECT_THAT(loss.points, ElementsAre(std::pair(1.0, 2.5)));
  const auto& ndcg = std::get<LineChart>(page.charts.at(1)).series.at(0);
  EXPECT_THAT(ndcg.points, ElementsAre(std::pair(2.0, 0.125)));
  EXPECT_THAT(RenderReport(page), HasSubstr("town &amp; country"));
}

}  // namespace
}  // namespace rondo::coordinator
