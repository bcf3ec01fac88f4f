#include <algorithm>

#include <gtest/gtest.h>

#include "client/data_source.h"
#include "client/doctor.h"
#include "client/dry_run.h"
#include "client/limits.h"
#include "client/settings.h"
#include "client/state.h"
#include "client/worth.h"
#include "common/core/file.h"
#include "tests/client/fakes.h"
#include "tests/support/temporary_folder.h"

namespace rondo::client::testing {
namespace {

using rondo::testing::TemporaryFolder;

// -- limits
// --------------------------------------------------------------------------------------------

struct LimitCase {
  const char* name;
  Limits limits;
  const char* reason;  ///< part of the refusal; null: accepted
};

class LimitsTest : public ::testing::TestWithParam<LimitCase> {};

TEST_P(LimitsTest, JudgesATaskOfTwoEpochsOverTenSequencesInBatchesOfFour) {
  TrainTask task;
  task.client = {.epochs = 2, .batch_size = 4, .learning_rate = 0.5};
  const Workload workload{.users = 12, .sequences = 10};
  const ClientRecord record{.rounds_trained = 3};

  const auto reason = RefusalReason(task, workload, record, GetParam().limits);

  if (GetParam().reason == nullptr) {
    EXPECT_FALSE(reason.has_value()) << *reason;
  } else {
    ASSERT_TRUE(reason.has_value());
    EXPECT_NE(reason->find(GetParam().reason), std::string::npos) << *reason;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All,
    LimitsTest,
    ::testing::Values(LimitCase{"None", {}, nullptr},
                      LimitCase{"Epochs", {.max_epochs = 1}, "max_epochs"},
                      LimitCase{"EnoughEpochs", {.max_epochs = 2}, nullptr},
                      LimitCase{"SixSteps", {.max_steps = 6}, nullptr},
                      LimitCase{"FiveSteps", {.max_steps = 5}, "6 local steps"},
                      LimitCase{"Rounds", {.max_rounds = 3}, "max_rounds"},
                      LimitCase{"RoundsLeft", {.max_rounds = 4}, nullptr},
                      LimitCase{"Users", {.min_users = 13}, "min_users"},
                      LimitCase{"LearningRate", {.max_learning_rate = 0.1}, "max_learning_rate"},
                      LimitCase{"Clipping", {.require_clipping = true}, "require_clipping"}),
    [](const auto& test) { return test.param.name; });

// -- state
// ---------------------------------------------------------------------------------------------

TEST(ClientState, SurvivesARestart) {
  const TemporaryFolder folder;
  {
    ClientState state = ClientState::Open(folder / "s").value();
    state.BeginPending(4);
    ASSERT_TRUE(state.Resolve(4, true).has_value());
    state.CountDecline();
    ASSERT_TRUE(state.Flush().has_value());
  }

  const ClientState state = ClientState::Open(folder / "s").value();

  EXPECT_EQ(state.record().rounds_included, 1u);
  EXPECT_EQ(state.record().last_round, 4u);
  EXPECT_EQ(state.record().tasks_declined, 1u);
}

TEST(ClientState, AResultOfAnotherRoundLeavesWhatIsPending) {
  const TemporaryFolder folder;
  ClientState state = ClientState::Open(folder.path()).value();
  state.BeginPending(5);

  ASSERT_TRUE(state.Resolve(4, true).has_value());

  EXPECT_EQ(state.pending(), std::optional<RoundId>(5));
  EXPECT_EQ(state.record().rounds_included, 0u);
}

TEST(ClientState, ABrokenRecordIsAnErrorThatSaysWhatToDo) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteTextFile(folder / "client.json", "{\"rounds").has_value());

  const auto state = ClientState::Open(folder.path());

  ASSERT_FALSE(state.has_value());
  EXPECT_EQ(state.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(state.error().message.find("client.json"), std::string::npos);
}

// -- settings
// ------------------------------------------------------------------------------------------

constexpr const char* kSettings = R"([coordinator]
host = "fed.example.org"
port = 7443
[identity]
certificate = "client.crt"
[data]
path = "log"
catalogue = "catalogue.tsv"
[limits]
max_steps = 20
)";

TEST(Settings, LayersFileEnvironmentAndSets) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteTextFile(folder / "client.toml", kSettings).has_value());

  const auto settings = LoadSettings({.file = folder / "client.toml",
                                      .environment = {{"RONDO_LIMITS__MAX_STEPS", "30"}},
                                      .sets = {"coordinator.port=9000"}});

  ASSERT_TRUE(settings.has_value()) << settings.error().message;
  EXPECT_EQ(settings->coordinator.host, "fed.example.org");
  EXPECT_EQ(settings->coordinator.port, 9000);
  EXPECT_EQ(settings->limits.max_steps, 30);
  EXPECT_EQ(settings->identity.certificate, folder / "client.crt");
  EXPECT_EQ(settings->state_folder, folder / "state");
}

TEST(Settings, AnUnknownKeyIsNamedWithItsPlaceAndASuggestion) {
  const TemporaryFolder folder;
  ASSERT_TRUE(
      WriteTextFile(folder / "client.toml", std::string(kSettings) + "max_step = 1\n").has_value());

  const auto settings = LoadSettings({.file = folder / "client.toml"});

  ASSERT_FALSE(settings.has_value());
  EXPECT_EQ(ExitCode(settings.error().code), 4);
  EXPECT_NE(settings.error().message.find("client.toml:11:1"), std::string::npos)
      << settings.error().message;
  EXPECT_NE(settings.error().message.find("max_steps"), std::string::npos)
      << settings.error().message;
}

TEST(Settings, AMissingCatalogueIsNamed) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteTextFile(folder / "client.toml", "[data]\npath = \"log\"\n").has_value());

  const auto settings = LoadSettings({.file = folder / "client.toml"});

  ASSERT_FALSE(settings.has_value());
  EXPECT_NE(settings.error().message.find("data.catalogue"), std::string::npos);
}

// -- the log
// -------------------------------------------------------------------------------------------

class LogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WriteTextFile(folder_ / "catalogue.tsv", SmallCatalogue()->text()).has_value());
    WriteLog("");
    config_ = {.path = folder_ / "log.csv",
               .format = "csv",
               .columns = {{"user", "user"}, {"item", "item"}, {"time", "time"}},
               .catalogue = folder_ / "catalogue.tsv"};
  }

  void WriteLog(const std::string& more) {
    std::string text = "user,item,time\n";
    for (int event = 1; event <= 5; ++event) {
      text += "ann,item" + std::to_string(event) + "," + std::to_string(event) + "\n";
    }
    ASSERT_TRUE(WriteTextFile(folder_ / "log.csv", text + more).has_value());
  }

  TemporaryFolder folder_;
  DataConfig config_;
};

TEST_F(LogTest, IsReadAgainOnlyAfterAChange) {
  FileDataSource source(config_);
  const auto first = source.Current();
  ASSERT_TRUE(first.has_value()) << first.error().message;
  EXPECT_EQ(source.Current().value(), first.value());
  EXPECT_EQ(source.reads(), 1);

  WriteLog("bob,item1,1\nbob,item2,2\nbob,item3,3\nbob,item4,4\n");

  EXPECT_EQ(source.Current().value()->dataset.users.size(), 2u);
  EXPECT_EQ(source.reads(), 2);
}

TEST_F(LogTest, AHalfWrittenLogLeavesTheEarlierOneInUse) {
  FileDataSource source(config_);
  const auto first = source.Current().value();
  ASSERT_TRUE(WriteTextFile(folder_ / "log.csv", "us").has_value());

  EXPECT_EQ(source.Current().value(), first);
}

TEST_F(LogTest, ABrokenLogAtTheStartIsAnError) {
  ASSERT_TRUE(WriteTextFile(folder_ / "log.csv", "us").has_value());
  FileDataSource source(config_);

  EXPECT_FALSE(source.Current().has_value());
}

// -- dry run
// -------------------------------------------------------------------------------------------

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

// -- doctor
// --------------------------------------------------------------------------------------------

TEST(Doctor, EachFaultFailsItsCheckWithAFix) {
  const auto now = std::chrono::system_clock::now();
  const Settings settings;
  const Result<LoadedData> no_data = Fail(ErrorCode::kNotFound, "log.inter does not exist");
  LoadedData strange;
  strange.dataset.users.resize(3);
  strange.report = {.rows = 100, .unknown_items = 80};
  IdentityReport expiring{
      .id = "hospital", .expires = now + std::chrono::hours(24), .key_is_private = true};
  IdentityReport open_key{.id = "hospital", .expires = now + std::chrono::hours(9999)};
  IdentityReport future{.authority_since = now + std::chrono::hours(48)};
  const Status refused = Fail(ErrorCode::kUnavailable, "connection refused");
  const DeviceInfo slow{.device = "cpu", .blas = "reference", .slow_blas = true};
  const std::vector<Check> checks = {
      CheckData(no_data, settings),
      CheckMapping(strange, settings),
      CheckClock(future, now),
      CheckCertificate(Fail(ErrorCode::kUnauthenticated, "the certificate has expired"), now),
      CheckCertificate(expiring, now),
      CheckCertificate(open_key, now),
      CheckReachable(refused, settings.coordinator),
      CheckDisk("/proc/none", 1),
      CheckBlas(slow),
      CheckDevice(Fail(ErrorCode::kUnavailable, "no GPU here"), settings.engine)};

  for (const Check& check : checks) {
    EXPECT_FALSE(check.pass) << check.name << ": " << check.found;
    EXPECT_FALSE(check.fix.empty()) << check.name;
  }
  EXPECT_FALSE(AllPass(checks));
}

TEST(Doctor, AHealthyClientPasses) {
  const TemporaryFolder folder;
  const auto now = std::chrono::system_clock::now();
  const Settings settings;
  LoadedData data;
  data.dataset.users.resize(3);
  data.report = {.rows = 100, .unknown_items = 2};
  const IdentityReport identity{.id = "hospital",
                                .expires = now + std::chrono::hours(24 * 300),
                                .authority_since = now - std::chrono::hours(24),
                                .key_is_private = true};
  const DeviceInfo device{.device = "cpu", .blas = "OpenBLAS 0.3.21"};
  const std::vector<Check> checks = {CheckData(data, settings),
                                     CheckMapping(data, settings),
                                     CheckClock(identity, now),
                                     CheckCertificate(identity, now),
                                     CheckReachable(Ok(), settings.coordinator),
                                     CheckDisk(folder / "state", 1),
                                     CheckBlas(device),
                                     CheckDevice(device, settings.engine)};

  EXPECT_TRUE(AllPass(checks)) << ChecksText(checks);
  EXPECT_NE(ChecksJson(checks).find("\"pass\":true"), std::string::npos);
}

// -- is it worth it?
// --------------------------------------------------------------------------------------

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
  const Broadcast federated{
      .model = InitialParameters(ModelLayout(model, catalogue->items()).value(), 1)};

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

}  // namespace
}  // namespace rondo::client::testing
