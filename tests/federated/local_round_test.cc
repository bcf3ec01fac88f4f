#include "common/federated/local_round.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/federated/compression.h"
#include "common/federated/control_variates.h"
#include "common/federated/dynamic.h"
#include "common/federated/packing.h"
#include "common/federated/steps_block.h"

namespace rondo {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Two shared numbers, then two personal and two frozen ones if `groups`.
std::shared_ptr<const ParameterLayout> Layout(bool groups, const std::string& name = "shared") {
  const auto personal = groups ? ParameterGroup::kPersonal : ParameterGroup::kShared;
  const auto frozen = groups ? ParameterGroup::kFrozen : ParameterGroup::kShared;
  return ParameterLayout::Create({{.name = name, .shape = {2}},
                                  {.name = "own", .shape = {2}, .group = personal},
                                  {.name = "fixed", .shape = {2}, .group = frozen}})
      .value();
}

ParameterVector Vector(const std::shared_ptr<const ParameterLayout>& layout,
                       std::vector<float> values) {
  return {.layout = layout, .values = std::move(values)};
}

Broadcast PlainBroadcast(bool groups) {
  return {.model = Vector(Layout(groups), {1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F})};
}

Broadcast BroadcastWithControl(bool groups, std::vector<float> control) {
  Broadcast broadcast = PlainBroadcast(groups);
  broadcast.extra.push_back({.name = std::string(kControlVector),
                             .vector = Vector(broadcast.model.layout, std::move(control))});
  return broadcast;
}

ClientVectors Own(std::string_view name, ParameterVector vector) {
  ClientVectors own;
  SetVector(own, name, std::move(vector));
  return own;
}

TrainTask Scaffold() {
  TrainTask task{.control_variates = true};
  task.client.learning_rate = 0.5;
  return task;
}

Rng AnyRng() {
  return Rng({.seed = 1, .purpose = Purpose::kCompression});
}

TEST(LocalRound, APlainTaskSendsTheDeltaAndKeepsNothing) {
  const std::vector<float> delta = {0.5F, 1.0F, 1.5F, 2.0F, 2.5F, 3.0F};
  Rng rng = AnyRng();

  const LocalStart start = StartRound({}, PlainBroadcast(false), {}).value();
  const LocalEnd end = EndRound({}, PlainBroadcast(false), {}, {delta, 3}, rng).value();

  EXPECT_THAT(start.correction, IsEmpty());
  EXPECT_THAT(start.personal, IsEmpty());
  ASSERT_EQ(end.blocks.size(), 1U);
  EXPECT_EQ(end.blocks[0].shape.name, kDeltaBlock);
  EXPECT_EQ(end.blocks[0].values, delta);
  EXPECT_THAT(end.next, IsEmpty());
}

TEST(LocalRound, ControlVariatesFollowAlgorithm1OptionII) {
  const Broadcast broadcast = BroadcastWithControl(false, {1.0F, 2.0F, 0.0F, 0.0F, -1.0F, 0.5F});
  const ClientVectors own =
      Own(kControlVector, Vector(broadcast.model.layout, {0.5F, 4.0F, 0.0F, 1.0F, 0.0F, 0.0F}));
  const std::vector<float> delta = {2.0F, -4.0F, 0.0F, 1.0F, 0.5F, 0.0F};
  Rng rng = AnyRng();

  const LocalStart start = StartRound(Scaffold(), broadcast, own).value();
  const LocalEnd end = EndRound(Scaffold(), broadcast, own, {delta, 4}, rng).value();

  // c - c_i; and with four steps of rate 0.5: -c - delta / 2, which is what c_i moves by.
  EXPECT_THAT(start.correction, ElementsAre(0.5F, -2.0F, 0.0F, -1.0F, -1.0F, 0.5F));
  ASSERT_EQ(end.blocks.size(), 2U);
  EXPECT_EQ(end.blocks[0].values, delta);
  EXPECT_EQ(end.blocks[1].shape.name, "control");
  EXPECT_EQ(end.blocks[1].shape.scaling, Scaling::kPerClient);
  EXPECT_THAT(end.blocks[1].values, ElementsAre(-2.0F, 0.0F, 0.0F, -0.5F, 0.75F, -0.5F));
  EXPECT_THAT(FindVector(end.next, kControlVector)->values,
              ElementsAre(-1.5F, 4.0F, 0.0F, 0.5F, 0.75F, -0.5F));
}

TEST(LocalRound, TheNextControlVariateIsTheMeanOfTheGradientsThatWereTaken) {
  // The client's loss is a/2 (y - b)^2 in each coordinate.
  const Broadcast broadcast = BroadcastWithControl(false, {0.3F, -0.2F, 0.1F, 0.7F, 0.0F, -1.0F});
  const ClientVectors own =
      Own(kControlVector, Vector(broadcast.model.layout, {0.1F, 0.4F, -0.3F, 0.2F, 0.9F, 0.0F}));
  const std::vector<float> correction = StartRound(Scaffold(), broadcast, own).value().correction;
  std::vector<double> gradients(6, 0.0);
  std::vector<float> delta(6);
  for (std::size_t i = 0; i < 6; ++i) {
    const double a = 0.2 + 0.1 * static_cast<double>(i);
    double y = broadcast.model.values[i];
    for (int step = 0; step < 5; ++step) {
      const double gradient = a * (y - 1.0);
      gradients[i] += gradient / 5.0;
      y -= 0.5 * (gradient + correction[i]);
    }
    delta[i] = static_cast<float>(y - broadcast.model.values[i]);
  }
  Rng rng = AnyRng();

  const LocalEnd end = EndRound(Scaffold(), broadcast, own, {delta, 5}, rng).value();

  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_NEAR(FindVector(end.next, kControlVector)->values[i], gradients[i], 1e-5) << i;
  }
}

TEST(LocalRound, TheNextVectorOfFedDynIsTheGradientAtTheMinimum) {
  // The minimum of a/2 (y - b)^2 - g y + alpha/2 (y - x)^2 lies where a (y - b) = g - alpha (y -
  // x).
  constexpr double kA = 0.8;
  constexpr double kB = -1.0;
  constexpr double kAlpha = 0.25;
  const Broadcast broadcast = PlainBroadcast(false);
  const std::vector<float> g = {0.5F, -0.5F, 0.0F, 2.0F, 0.1F, -3.0F};
  const ClientVectors own = Own(kDynamicVector, Vector(broadcast.model.layout, g));
  const TrainTask task{.dynamic_alpha = kAlpha};
  std::vector<float> delta(6);
  std::vector<double> gradient(6);
  for (std::size_t i = 0; i < 6; ++i) {
    const double x = broadcast.model.values[i];
    const double y = (kA * kB + g[i] + kAlpha * x) / (kA + kAlpha);
    delta[i] = static_cast<float>(y - x);
    gradient[i] = kA * (y - kB);
  }
  Rng rng = AnyRng();

  const LocalStart start = StartRound(task, broadcast, own).value();
  const LocalEnd end = EndRound(task, broadcast, own, {delta, 1}, rng).value();

  ASSERT_EQ(end.blocks.size(), 1U);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(start.correction[i], -g[i]);
    EXPECT_NEAR(FindVector(end.next, kDynamicVector)->values[i], gradient[i], 1e-5) << i;
  }
}

TEST(LocalRound, ClientsWithoutVectorsStartFromZero) {
  const Broadcast broadcast = BroadcastWithControl(false, {1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F});
  const TrainTask dynamic{.dynamic_alpha = 0.5};
  Rng rng = AnyRng();

  const LocalEnd end =
      EndRound(dynamic, broadcast, {}, {{2.0F, 0.0F, 0.0F, 0.0F, 0.0F, -4.0F}, 1}, rng).value();

  EXPECT_EQ(StartRound(Scaffold(), broadcast, {}).value().correction,
            broadcast.extra[0].vector.values);
  EXPECT_THAT(StartRound(dynamic, broadcast, {}).value().correction, Each(0.0F));
  EXPECT_THAT(FindVector(end.next, kDynamicVector)->values,
              ElementsAre(-1.0F, 0.0F, 0.0F, 0.0F, 0.0F, 2.0F));
}

TEST(LocalRound, PersonalAndFrozenParametersAreInNoBlock) {
  TrainTask task = Scaffold();
  task.dynamic_alpha = 0.5;
  const Broadcast broadcast = BroadcastWithControl(true, std::vector<float>(6, 0.0F));
  const std::vector<float> delta = {1.0F, -1.0F, 10.0F, 20.0F, 30.0F, 40.0F};
  Rng rng = AnyRng();

  const LocalEnd end = EndRound(task, broadcast, {}, {delta, 2}, rng).value();

  ASSERT_EQ(end.blocks.size(), 2U);
  EXPECT_THAT(end.blocks[0].values, ElementsAre(1.0F, -1.0F));
  EXPECT_THAT(end.blocks[1].values, ElementsAre(-1.0F, 1.0F));
  EXPECT_THAT(FindVector(end.next, kControlVector)->values,
              ElementsAre(-1.0F, 1.0F, 0.0F, 0.0F, 0.0F, 0.0F));
  EXPECT_THAT(FindVector(end.next, kDynamicVector)->values,
              ElementsAre(-0.5F, 0.5F, 0.0F, 0.0F, 0.0F, 0.0F));
}

TEST(LocalRound, PersonalParametersGoOnWhereTrainingLeftThem) {
  const Broadcast broadcast = PlainBroadcast(true);
  const std::vector<float> delta = {0.0F, 0.0F, 0.5F, -0.5F, 9.0F, 9.0F};
  Rng rng = AnyRng();

  const LocalEnd first = EndRound({}, broadcast, {}, {delta, 1}, rng).value();
  const LocalStart start = StartRound({}, broadcast, first.next).value();
  const LocalEnd second = EndRound({}, broadcast, first.next, {delta, 1}, rng).value();

  EXPECT_THAT(StartRound({}, broadcast, {}).value().personal, IsEmpty());
  EXPECT_THAT(FindVector(first.next, kPersonalVector)->values, ElementsAre(3.5F, 3.5F));
  EXPECT_THAT(start.personal, ElementsAre(1.0F, 2.0F, 3.5F, 3.5F, 5.0F, 6.0F));
  EXPECT_THAT(FindVector(second.next, kPersonalVector)->values, ElementsAre(4.0F, 3.0F));
  EXPECT_EQ(PersonalModel(broadcast.model, first.next).value().values, start.personal);
  EXPECT_EQ(PersonalModel(broadcast.model, {}).value().values, broadcast.model.values);
}

TEST(LocalRound, OverRoundsEverythingIsSentOrStillKept) {
  TrainTask task;
  task.compression = {.stages = {"top_k", "quantise"}, .top_k = 0.3, .bits = 6};
  const Broadcast broadcast = PlainBroadcast(false);
  Rng rng = AnyRng();
  Rng draw({.seed = 2, .purpose = Purpose::kInit});
  ClientVectors own;
  std::vector<double> moved(6, 0.0);
  std::vector<double> sent(6, 0.0);

  for (int round = 0; round < 50; ++round) {
    std::vector<float> delta(6);
    for (std::size_t i = 0; i < 6; ++i) {
      delta[i] = static_cast<float>(draw.Normal());
      moved[i] += static_cast<double>(delta[i]);
    }
    LocalEnd end = EndRound(task, broadcast, own, {delta, 1}, rng).value();
    for (std::size_t i = 0; i < 6; ++i) {
      sent[i] += static_cast<double>(end.blocks[0].values[i]);
    }
    own = std::move(end.next);
  }

  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_NEAR(sent[i] + FindVector(own, kResidualVector)->values[i], moved[i], 1e-4) << i;
    EXPECT_NE(sent[i], 0.0) << i;  // Small coordinates get their turn.
  }
}

TEST(LocalRound, ContributionsHoldTheBlocksOfTheirTask) {
  TrainTask normalised{.normalise = true};
  TrainTask packed = Scaffold();
  packed.compression.stages = {"top_k", "quantise"};
  packed.normalise = true;
  for (const bool groups : {false, true}) {
    for (const TrainTask& task : {TrainTask{}, normalised, Scaffold(), packed}) {
      const Broadcast broadcast = BroadcastWithControl(groups, std::vector<float>(6, 0.5F));
      Rng rng = AnyRng();

      const LocalEnd end =
          EndRound(task, broadcast, {}, {{1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F}, 512}, rng).value();

      const std::vector<BlockShape> shapes = BlocksOfTask(task, broadcast.model.layout);
      ASSERT_EQ(end.blocks.size(), shapes.size());
      EXPECT_EQ(shapes[0].name, kDeltaBlock);
      EXPECT_EQ(shapes[0].layout->size(), groups ? 2U : 6U);
      for (std::size_t i = 0; i < shapes.size(); ++i) {
        const LocalBlock& block = end.blocks[i];
        EXPECT_EQ(block.shape.name, shapes[i].name);
        EXPECT_EQ(block.shape.layout->digest(), shapes[i].layout->digest());
        EXPECT_EQ(block.shape.scaling, shapes[i].scaling);
        EXPECT_EQ(block.shape.packed, shapes[i].packed);
        EXPECT_EQ(block.values.size(), shapes[i].layout->size());
        EXPECT_EQ(block.packed.empty(), !shapes[i].packed);
        if (shapes[i].packed) {
          EXPECT_EQ(UnpackUpdate(task.compression, *shapes[i].layout, block.packed).value(),
                    block.values);
        }
        if (shapes[i].name == kStepsBlock) {
          EXPECT_THAT(block.values, ElementsAre(0.5F));  // In units of 1024.
        }
      }
    }
  }
}

TEST(LocalRound, TasksSayWhatTheyNeedOfSingleClients) {
  TrainTask top;
  top.compression.stages = {"top_k"};
  TrainTask low;
  low.compression.stages = {"low_rank"};
  const auto frozen =
      ParameterLayout::Create({{.name = "a", .shape = {1}},
                               {.name = "b", .shape = {1}, .group = ParameterGroup::kFrozen}})
          .value();
  const auto plain = Layout(false);

  const struct {
    TrainTask task;
    std::shared_ptr<const ParameterLayout> layout;
    bool keeps;
    bool single;
  } cases[] = {
      {{}, plain, false, false},
      {{.proximal_mu = 1.0}, plain, false, false},
      {Scaffold(), plain, true, true},
      {{.dynamic_alpha = 1.0}, plain, true, true},
      {top, plain, true, true},
      {low, plain, false, true},
      {{}, Layout(true), true, true},
      {{}, frozen, false, true},
  };

  for (std::size_t i = 0; i < std::size(cases); ++i) {
    EXPECT_EQ(KeepsVectors(cases[i].task, *cases[i].layout), cases[i].keeps) << i;
    EXPECT_EQ(NeedsSingleDeltas(cases[i].task, *cases[i].layout), cases[i].single) << i;
  }
}

TEST(LocalRound, NumbersThatAreNotFiniteAreRefused) {
  const Broadcast broadcast = BroadcastWithControl(true, std::vector<float>(6, 0.0F));
  TrainTask small = Scaffold();
  small.client.learning_rate = 1e-6;
  Rng rng = AnyRng();
  std::vector<float> broken(6, 0.0F);
  broken[3] = std::nanf("");
  const std::vector<float> large(6, 1e37F);  // Divided by the rate it leaves float32.

  EXPECT_EQ(EndRound({}, broadcast, {}, {broken, 1}, rng).error().code, ErrorCode::kDiverged);
  EXPECT_EQ(EndRound(small, broadcast, {}, {large, 1}, rng).error().code, ErrorCode::kDiverged);
  EXPECT_TRUE(EndRound(Scaffold(), broadcast, {}, {large, 1}, rng).has_value());
}

TEST(LocalRound, VectorsOfAnotherModelAreRefused) {
  const Broadcast broadcast = BroadcastWithControl(true, std::vector<float>(6, 0.0F));
  const auto other = Layout(true, "renamed");  // As many numbers, another model.
  const std::vector<float> zeros(6, 0.0F);
  TrainTask top;
  top.compression.stages = {"top_k"};
  const auto other_personal =
      ParameterLayout::Create({{.name = "alien", .shape = {2}, .group = ParameterGroup::kPersonal}})
          .value();

  const struct {
    const char* name;
    TrainTask task;
    ClientVectors own;
    bool starts;
  } cases[] = {
      {"control", Scaffold(), Own(kControlVector, Vector(other, zeros)), false},
      {"dynamic", {.dynamic_alpha = 1.0}, Own(kDynamicVector, Vector(other, zeros)), false},
      {"personal", {}, Own(kPersonalVector, Vector(other_personal, {0.0F, 0.0F})), false},
      {"residual", top, Own(kResidualVector, Vector(other, zeros)), true},
  };

  for (const auto& test : cases) {
    Rng rng = AnyRng();
    const auto start = StartRound(test.task, broadcast, test.own);
    const auto end = EndRound(test.task, broadcast, test.own, {zeros, 1}, rng);
    EXPECT_EQ(start.has_value(), test.starts) << test.name;
    if (!start) {
      EXPECT_EQ(start.error().code, ErrorCode::kCorrupt) << test.name;
    }
    ASSERT_FALSE(end.has_value()) << test.name;
    EXPECT_EQ(end.error().code, ErrorCode::kCorrupt) << test.name;
  }
  EXPECT_EQ(PersonalModel(broadcast.model, cases[2].own).error().code, ErrorCode::kCorrupt);
}

TEST(LocalRound, ControlVariatesNeedThatOfTheServer) {
  Rng rng = AnyRng();
  const std::vector<float> delta(6, 0.0F);

  EXPECT_EQ(StartRound(Scaffold(), PlainBroadcast(false), {}).error().code,
            ErrorCode::kFailedPrecondition);
  EXPECT_EQ(EndRound(Scaffold(), PlainBroadcast(false), {}, {delta, 1}, rng).error().code,
            ErrorCode::kFailedPrecondition);
}

TEST(LocalRound, FineTuningIsPlainTrainingOfTheAskedEpochs) {
  EvaluateTask evaluate{.round = 8, .fine_tune = 3, .seed = 5, .data_seed = 6};
  evaluate.client.steps = 40;
  evaluate.client.learning_rate = 0.125;

  const TrainTask task = FineTuneTask(evaluate, 0.25);

  EXPECT_EQ(task.round, 0U) << "whoever evaluates a model tunes it alike, whatever the round";
  EXPECT_EQ(task.seed, 5U);
  EXPECT_EQ(task.data_seed, 6U);
  EXPECT_EQ(task.client.epochs, 3);
  EXPECT_EQ(task.client.steps, 0);
  EXPECT_EQ(task.client.learning_rate, 0.125);
  EXPECT_EQ(task.dropout, 0.25);
  EXPECT_EQ(task.proximal_mu, 0.0);
  EXPECT_FALSE(task.control_variates);
  EXPECT_EQ(task.dynamic_alpha, 0.0);
}

TEST(ClientVectors, AreReplacedByName) {
  ClientVectors vectors = Own("a", Vector(Layout(false), std::vector<float>(6, 1.0F)));

  SetVector(vectors, "b", Vector(Layout(false), std::vector<float>(6, 2.0F)));
  SetVector(vectors, "a", Vector(Layout(false), std::vector<float>(6, 3.0F)));

  ASSERT_EQ(vectors.size(), 2U);
  EXPECT_THAT(FindVector(vectors, "a")->values, Each(3.0F));
  EXPECT_THAT(FindVector(vectors, "b")->values, Each(2.0F));
  EXPECT_EQ(FindVector(vectors, "c"), nullptr);
}

}  // namespace
}  // namespace rondo
