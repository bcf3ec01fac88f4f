#include "common/config/scenario.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/file.h"
#include "tests/support/temporary_folder.h"

namespace rondo {
namespace {

using ::testing::HasSubstr;

Result<Scenario> FromSets(std::vector<std::string> sets) {
  return LoadScenario(ScenarioSources{.sets = std::move(sets)});
}

TEST(Scenario, BuiltInValuesAreValid) {
  const Result<Scenario> scenario = LoadScenario({});

  ASSERT_TRUE(scenario.has_value()) << scenario.error().message;
  EXPECT_EQ(ScenarioToToml(*scenario), ScenarioToToml(Scenario()));
}

TEST(Scenario, PathsResolveAgainstTheirSource) {
  const testing::TemporaryFolder folder;
  const auto file = folder / "s.toml";
  ASSERT_TRUE(
      WriteTextFile(file, "[data]\npath = \"../data\"\ncatalogue = \"/abs/c.tsv\"\n").has_value());

  const Result<Scenario> scenario =
      LoadScenario({.file = file, .environment = {}, .sets = {"data.mapping=m.tsv"}});

  ASSERT_TRUE(scenario.has_value()) << scenario.error().message;
  EXPECT_EQ(scenario->data.path, folder.path().parent_path() / "data");
  EXPECT_EQ(scenario->data.catalogue, "/abs/c.tsv");
  EXPECT_EQ(scenario->data.mapping, std::filesystem::current_path() / "m.tsv");
}

TEST(Scenario, PresetsFillOnlyWhatNoSourceNames) {
  const Result<Scenario> adam =
      FromSets({"strategy.name=fedadam", "strategy.server_learning_rate=2e-3"});
  const Result<Scenario> prox = FromSets({"strategy.name=fedprox"});
  const Result<Scenario> momentum = FromSets({"strategy.name=fedavgm"});

  ASSERT_TRUE(adam.has_value()) << adam.error().message;
  EXPECT_EQ(adam->strategy.server_optimizer, "adam");
  EXPECT_EQ(adam->strategy.server_learning_rate, 2e-3);
  EXPECT_EQ(adam->strategy.beta2, 0.99);
  ASSERT_TRUE(prox.has_value()) << prox.error().message;
  EXPECT_EQ(prox->strategy.objective, "proximal");
  EXPECT_EQ(prox->strategy.proximal_mu, 0.01);
  ASSERT_TRUE(momentum.has_value()) << momentum.error().message;
  EXPECT_EQ(momentum->strategy.server_momentum, 0.9);
  EXPECT_EQ(momentum->strategy.server_optimizer, "sgd");
}

TEST(Scenario, PresetsOfClientsWithVectorsAreTheirObjectives) {
  const Result<Scenario> scaffold = FromSets({"strategy.name=scaffold"});
  const Result<Scenario> dynamic = FromSets({"strategy.name=feddyn"});
  const Result<Scenario> stronger = FromSets({"strategy.name=feddyn", "strategy.dynamic_alpha=1"});

  ASSERT_TRUE(scaffold.has_value()) << scaffold.error().message;
  EXPECT_EQ(scaffold->strategy.objective, "control_variates");
  EXPECT_EQ(scaffold->strategy.dynamic_alpha, 0.0);
  ASSERT_TRUE(dynamic.has_value()) << dynamic.error().message;
  EXPECT_EQ(dynamic->strategy.objective, "dynamic");
  EXPECT_EQ(dynamic->strategy.dynamic_alpha, 0.01);
  ASSERT_TRUE(stronger.has_value()) << stronger.error().message;
  EXPECT_EQ(stronger->strategy.dynamic_alpha, 1.0);
}

TEST(Scenario, PackedUpdatesOnARingAreRefusedWithExitCode4) {
  for (const std::string stages :
       {"[\"top_k\"]", "[\"quantise\"]", "[\"low_rank\",\"quantise\"]"}) {
    const Result<Scenario> scenario =
        FromSets({"compression.stages=" + stages, "privacy.grid=ring"});

    ASSERT_FALSE(scenario.has_value()) << stages;
    EXPECT_EQ(scenario.error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(ExitCode(scenario.error().code), 4);
    EXPECT_THAT(scenario.error().message, HasSubstr("use \"low_rank\", which is linear"));
  }
  const Result<Scenario> linear =
      FromSets({"compression.stages=[\"low_rank\"]", "privacy.grid=ring"});
  EXPECT_TRUE(linear.has_value()) << linear.error().message;
}

TEST(Scenario, AnUnknownPresetGetsASuggestion) {
  const Result<Scenario> scenario = FromSets({"strategy.name=fedadm"});

  ASSERT_FALSE(scenario.has_value());
  EXPECT_THAT(scenario.error().message, HasSubstr("expected fedavg, fedprox, fednova, scaffold, "));
  EXPECT_THAT(scenario.error().message, HasSubstr("did you mean 'fedadam'?"));
}

TEST(Scenario, MaskedRoundsNeedACohortThatIsLargeEnoughToHideIn) {
  EXPECT_TRUE(FromSets({"privacy.mode=masked"}));
  EXPECT_TRUE(FromSets({"privacy.mode=masked", "strategy.cohort=5", "privacy.min_clients=5"}));
  const Result<Scenario> scenario =
      FromSets({"privacy.mode=masked", "strategy.cohort=4", "privacy.min_clients=5"});
  ASSERT_FALSE(scenario.has_value());
  EXPECT_THAT(scenario.error().message, HasSubstr("a sum of fewer than 5 clients"));
  EXPECT_FALSE(FromSets({"privacy.min_clients=2"}));
}

TEST(Scenario, WrittenScenariosReadBackTheSame) {
  const testing::TemporaryFolder folder;
  Scenario scenario;
  scenario.name = "round trip";
  scenario.seed = 12345678901234;
  scenario.data.path = "/data/ml-100k";
  scenario.data.columns = {{"user", "userId"}, {"item", "movie id"}};
  scenario.data.events = {{"view", "input"}, {"buy", "target"}};
  scenario.data.clients = "dirichlet:0.1";
  scenario.model.attention = {"multi_head", "bilinear"};
  scenario.model.personal = {"position.", "blocks.1."};
  scenario.model.encoder = "target_attention";
  scenario.model.forms = {"gated", "window"};
  scenario.model.window = 7;
  scenario.client.loss = "gbce";
  scenario.compression.stages = {"top_k", "quantise"};
  scenario.client.learning_rate = 1.0 / 3.0;
  scenario.strategy.name = "fedadam";  // Its preset must not come back over written values.
  scenario.strategy.server_learning_rate = 7.0;
  scenario.evaluation.baselines = {};
  ASSERT_TRUE(WriteTextFile(folder / "config.toml", ScenarioToToml(scenario)).has_value());

  const Result<Scenario> back =
      LoadScenario({.file = folder / "config.toml", .environment = {}, .sets = {}});

  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(ScenarioToToml(*back), ScenarioToToml(scenario));
  EXPECT_EQ(back->client.learning_rate, 1.0 / 3.0);
  EXPECT_EQ(back->strategy.server_optimizer, "sgd");
  EXPECT_EQ(back->data.columns, scenario.data.columns);
  EXPECT_TRUE(back->evaluation.baselines.empty());
  EXPECT_EQ(back->model.personal, scenario.model.personal);
  EXPECT_EQ(back->compression, scenario.compression);
}

TEST(Scenario, FaultyCombinationsNameKeyAndPlace) {
  const testing::TemporaryFolder folder;
  const auto file = folder / "s.toml";
  ASSERT_TRUE(WriteTextFile(file, "[model]\nwidth = 32\nheads = 5\n").has_value());

  const Result<Scenario> scenario = LoadScenario({.file = file, .environment = {}, .sets = {}});

  ASSERT_FALSE(scenario.has_value());
  EXPECT_EQ(scenario.error().message,
            file.string() + ":3:9: model.heads: 5 heads do not divide the width 32");
}

struct InvalidCase {
  std::string name;
  std::vector<std::string> sets;
  std::string expected;
};

class InvalidScenario : public ::testing::TestWithParam<InvalidCase> {};

TEST_P(InvalidScenario, IsRefused) {
  const Result<Scenario> scenario = FromSets(GetParam().sets);

  ASSERT_FALSE(scenario.has_value());
  EXPECT_EQ(scenario.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(scenario.error().message, HasSubstr(GetParam().expected));
}

INSTANTIATE_TEST_SUITE_P(
    Cases,
    InvalidScenario,
    ::testing::Values(
        InvalidCase{"split", {"data.split=leave_one"}, "did you mean 'leave_one_out'?"},
        InvalidCase{"kZero", {"evaluation.k=[0]"}, "at least 1"},
        InvalidCase{"kEmpty", {"evaluation.k=[]"}, "evaluation.k: the list is empty"},
        InvalidCase{"protocol", {"evaluation.protocols=[\"sampled:\"]"}, "sampled:99"},
        InvalidCase{"protocolZero", {"evaluation.protocols=[\"sampled:00\"]"}, "sampled:99"},
        InvalidCase{"clients", {"data.clients=dirchlet:0.1"}, "did you mean 'dirichlet'?"},
        InvalidCase{"alpha", {"data.clients=dirichlet:-1"}, "positive number"},
        InvalidCase{"sigma", {"data.clients=lognormal:1000"}, "positive number up to 20"},
        InvalidCase{"column", {"data.clients=column:"}, "column:NAME"},
        InvalidCase{"prefix", {"data.clients=column:zip:1e300"}, "1 to 1000 letters"},
        InvalidCase{"columnWord", {"data.columns.usr=id"}, "did you mean 'user'?"},
        InvalidCase{"event", {"data.events.view=inptu"}, "did you mean 'input'?"},
        InvalidCase{"cut", {"data.test_from=5"}, "given together"},
        InvalidCase{"ratios",
                    {"data.split=user_ratio", "data.test_ratio=0.6", "data.validation_ratio=0.5"},
                    "for training"},
        InvalidCase{"noTraining", {"client.epochs=0"}, "no client would train"},
        InvalidCase{"quorum", {"strategy.cohort=4", "strategy.quorum=5"}, "larger than the cohort"},
        InvalidCase{"attention", {"model.attention=[]"}, "name at least one kind"},
        InvalidCase{"order", {"data.order=none"}, "must be false where data.order is 'none'"},
        InvalidCase{"causal", {"model.causal=false"}, "would see the item that it is to predict"},
        InvalidCase{"form", {"model.forms=[\"windw\"]"}, "did you mean 'window'?"},
        InvalidCase{"formTwice", {"model.forms=[\"top_k\",\"top_k\"]"}, "is named twice"},
        InvalidCase{"formOfGru",
                    {"model.encoder=gru", "model.forms=[\"gated\"]"},
                    "model.forms: change self-attention"},
        InvalidCase{"formOfCandidates",
                    {"model.encoder=target_attention",
                     "model.blocks=1",
                     "model.forms=[\"gated\"]",
                     "client.loss=bce"},
                    "model.forms: change self-attention"},
        InvalidCase{"wideWindow",
                    {"model.forms=[\"window\"]", "model.window=50"},
                    "model.window: 50 events are all of model.history = 50"},
        InvalidCase{"windowWithoutOrder",
                    {"data.order=none",
                     "model.positions=false",
                     "model.causal=false",
                     "model.forms=[\"window\"]"},
                    "needs an order of events"},
        InvalidCase{
            "gruWithoutOrder",
            {"data.order=none", "model.positions=false", "model.causal=false", "model.encoder=gru"},
            "gru needs an order of events"},
        InvalidCase{"softmaxOfCandidates",
                    {"model.encoder=target_attention"},
                    "client.loss: softmax would take every item"},
        InvalidCase{"calibration", {"client.calibration=1.5"}, "at most 1"},
        InvalidCase{"markov",
                    {"data.order=none",
                     "model.positions=false",
                     "model.causal=false",
                     "evaluation.baselines=[\"markov1\"]"},
                    "markov1 needs an order of events"},
        InvalidCase{"mu", {"strategy.proximal_mu=1.0"}, "strategy.objective"},
        InvalidCase{"dynamicAlpha", {"strategy.dynamic_alpha=0.1"}, "strategy.objective"},
        InvalidCase{"noDynamicAlpha", {"strategy.objective=dynamic"}, "is 0, which is FedAvg"},
        InvalidCase{"presetWithoutAlpha",
                    {"strategy.name=feddyn", "strategy.dynamic_alpha=0"},
                    "is 0, which is FedAvg"},
        InvalidCase{"controlOfAdam",
                    {"strategy.name=scaffold", "client.optimizer=adam"},
                    "client.optimizer: the objective \"control_variates\""},
        InvalidCase{"controlClipped",
                    {"strategy.name=scaffold", "privacy.clip_norm=1"},
                    "privacy.clip_norm: a clipped delta"},
        InvalidCase{"stage", {"compression.stages=[\"topk\"]"}, "did you mean 'top_k'?"},
        InvalidCase{"stageTwice",
                    {"compression.stages=[\"quantise\",\"quantise\"]"},
                    "\"quantise\" is named twice"},
        InvalidCase{"rankAndTopK",
                    {"compression.stages=[\"low_rank\",\"top_k\"]"},
                    "name one of them"},
        InvalidCase{"bits", {"compression.bits=1"}, "at least 2"},
        InvalidCase{"share", {"compression.top_k=0"}, "compression.top_k"},
        InvalidCase{"rank", {"compression.rank=0"}, "at least 1"},
        InvalidCase{"fineTune", {"evaluation.fine_tune=-1"}, "at least 0"},
        InvalidCase{"momentum",
                    {"strategy.server_optimizer=adam", "strategy.server_momentum=0.9"},
                    "adam has beta1"},
        InvalidCase{"warmup", {"strategy.warmup=100", "strategy.rounds=100"}, "the full rate"},
        InvalidCase{"attackers", {"attack.name=zero"}, "nobody would attack"},
        InvalidCase{"hoursWithoutAClock", {"devices.available=0.5"}, "devices.virtual_clock"},
        InvalidCase{"attackless", {"attack.share=0.1"}, "attack.name"},
        InvalidCase{"schedule", {"strategy.schedule=step"}, "constant, linear or cosine"},
        InvalidCase{"name", {"name=a/b"}, "folder name"},
        InvalidCase{"longName", {"name=" + std::string(129, 'n')}, "at most 128 bytes"}),
    [](const auto& test) { return test.param.name; });

TEST(ValidateScenario, ChecksValuesThatWereNotLoaded) {
  Scenario scenario;
  EXPECT_TRUE(ValidateScenario(scenario).has_value());

  scenario.client.batch_size = 0;
  const Status status = ValidateScenario(scenario);

  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().message,
            "client.batch_size: expected at least 1 and at most 1000000, got 0");
}

}  // namespace
}  // namespace rondo
