#include <algorithm>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "common/core/rng.h"
#include "common/model/dropout.h"
#include "common/model/fold.h"
#include "common/model/packs.h"
#include "tests/model/fixture.h"

namespace rondo {
namespace {

using testing::OwnedClient;

TrainTask Sampled(int negatives) {
  TrainTask task;
  task.client.loss = "bce";
  task.client.negatives = negatives;
  task.client.epochs = 2;
  task.client.batch_size = 2;
  return task;
}

TEST(PlanClient, NegativesAreNeverTrainingItemsAndEveryOtherItemIsDrawn) {
  // Row 7 stands for a held-out item: the client knows it, its training rows do not hold it.
  const OwnedClient owned{.id = "u", .sequences = {{1, 2, 3, 2}, {5, 9}, {12, 4, 1}}};
  const std::set<ItemRow> own = {1, 2, 3, 4, 5, 9, 12};
  std::set<ItemRow> drawn;

  for (RoundId round = 1; round <= 20; ++round) {
    TrainTask task = Sampled(3);
    task.round = round;
    const ClientPlan plan = PlanClient(owned.View(), 0, {.history = 3}, task, 12).value();
    const std::vector<ItemRow> negatives = DrawNegatives(plan, task, 12);
    EXPECT_EQ(negatives.size(), 2U * 3U * (3 + 1 + 2));
    drawn.insert(negatives.begin(), negatives.end());
  }

  EXPECT_EQ(drawn, (std::set<ItemRow>{6, 7, 8, 10, 11}));
}

TEST(PlanClient, RefusesWhatItCannotTrainOn) {
  const auto code = [](const OwnedClient& owned, std::int64_t items) {
    return PlanClient(owned.View(), 0, {}, Sampled(1), items).error().code;
  };

  EXPECT_EQ(code({.id = "short", .sequences = {{1}, {}}}, 5), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.id = "foreign", .sequences = {{1, 6}}}, 5), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.id = "padding", .sequences = {{1, 0}}}, 5), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.id = "saw all", .sequences = {{1, 2, 3}}}, 3), ErrorCode::kInvalidArgument);
}

TEST(PlanClient, EveryEpochTakesEachSequenceOnce) {
  OwnedClient owned{.id = "institution"};
  for (ItemRow s = 0; s < 7; ++s) {
    owned.sequences.push_back({s + 1, s + 2});
  }
  TrainTask task = Sampled(1);
  task.client.epochs = 3;

  const ClientPlan plan = PlanClient(owned.View(), 0, {}, task, 50).value();

  ASSERT_EQ(plan.steps.size(), 12U);
  std::vector<std::vector<std::uint32_t>> epochs(3);
  for (std::size_t step = 0; step < 12; ++step) {
    epochs[step / 4].insert(
        epochs[step / 4].end(), plan.steps[step].begin(), plan.steps[step].end());
  }
  EXPECT_NE(epochs[0], epochs[1]);
  for (std::vector<std::uint32_t>& epoch : epochs) {
    std::sort(epoch.begin(), epoch.end());
    EXPECT_EQ(epoch, (std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6}));
  }
}

TEST(CutSet, PredictsTheRestOfASetFromARandomPartOfIt) {
  const std::vector<ItemRow> rows = {4, 7, 7, 2, 9, 5, 4};
  Rng rng({.seed = 5});
  std::set<ItemRow> inputs;
  std::set<ItemRow> targets;
  std::set<std::int64_t> lengths;

  for (int i = 0; i < 200; ++i) {
    const PlannedSequence cut = CutSet(rows, {}, 3, rng);
    ASSERT_FALSE(cut.inputs.empty());
    ASSERT_FALSE(cut.targets.empty());
    ASSERT_LE(cut.length(), 3);
    for (const ItemRow target : cut.targets) {
      ASSERT_EQ(std::count(cut.inputs.begin(), cut.inputs.end(), target), 0)
          << "a target among the inputs gives the answer away";
    }
    const std::vector<std::uint32_t> last(cut.targets.size(),
                                          static_cast<std::uint32_t>(cut.length()) - 1);
    ASSERT_EQ(cut.places, last);
    inputs.insert(cut.inputs.begin(), cut.inputs.end());
    targets.insert(cut.targets.begin(), cut.targets.end());
    lengths.insert(cut.length());
  }

  EXPECT_EQ(inputs, (std::set<ItemRow>{2, 4, 5, 7, 9}));
  EXPECT_EQ(targets, inputs);
  EXPECT_EQ(lengths, (std::set<std::int64_t>{1, 2, 3}));
}

TEST(CutSet, KeepsRolesApart) {
  const std::vector<ItemRow> rows = {1, 2, 3, 4, 5};
  const std::vector<EventRole> roles = {EventRole::kInput,
                                        EventRole::kTarget,
                                        EventRole::kInput,
                                        EventRole::kTarget,
                                        EventRole::kInput};
  Rng rng({.seed = 6});

  for (int i = 0; i < 50; ++i) {
    const PlannedSequence cut = CutSet(rows, roles, 10, rng);
    ASSERT_FALSE(cut.targets.empty());
    for (const ItemRow input : cut.inputs) {
      EXPECT_EQ(input % 2, 1) << "a target-only row was shown";
    }
    for (const ItemRow target : cut.targets) {
      EXPECT_EQ(target % 2, 0) << "an input-only row was predicted";
    }
  }
}

TEST(CutSet, HasNothingToPredictFromOneItem) {
  Rng rng({.seed = 7});

  EXPECT_TRUE(CutSet(std::vector<ItemRow>{}, {}, 5, rng).targets.empty());
  EXPECT_TRUE(CutSet(std::vector<ItemRow>{3}, {}, 5, rng).targets.empty());
  EXPECT_TRUE(CutSet(std::vector<ItemRow>{3, 3, 3}, {}, 5, rng).targets.empty());
}

TEST(PlanClient, WithoutACausalMaskTheTargetsChangeByRound) {
  const OwnedClient owned{.id = "u", .sequences = {{1, 2, 3, 4, 5, 6, 7, 8}}};
  const auto inputs_of = [&](RoundId round) {
    TrainTask task;
    task.round = round;
    return PlanClient(owned.View(), 0, {.positions = false, .causal = false}, task, 9)
        .value()
        .sequences[0]
        .inputs;
  };

  EXPECT_NE(inputs_of(1), inputs_of(2));
  EXPECT_EQ(inputs_of(2), inputs_of(2));
}

/// Institutions of every shape: many short sequences, a few long ones, many or few steps.
std::vector<OwnedClient> UnevenInstitutions(std::size_t count) {
  Rng rng({.seed = 8});
  std::vector<OwnedClient> owned;
  for (std::size_t c = 0; c < count; ++c) {
    OwnedClient client{.id = "i" + std::to_string(c)};
    const bool many = c % 3 == 0;
    for (std::uint64_t s = 0; s < (many ? 60 : 1 + rng.Below(8)); ++s) {
      client.sequences.emplace_back(many ? 2 : 2 + rng.Below(190));
      for (ItemRow& row : client.sequences.back()) {
        row = static_cast<ItemRow>(1 + rng.Below(900));
      }
    }
    owned.push_back(std::move(client));
  }
  return owned;
}

TEST(MakePacks, BoundsWhatAPackHoldsWithItsPadding) {
  const std::vector<OwnedClient> owned = UnevenInstitutions(60);
  const ModelConfig model{.width = 16, .history = 200};
  for (const std::string loss : {"softmax", "bce"}) {
    TrainTask task;
    task.client.loss = loss;
    task.client.batch_size = 32;
    std::vector<ClientPlan> plans;
    for (std::size_t c = 0; c < owned.size(); ++c) {
      plans.push_back(PlanClient(owned[c].View(), c, model, task, 1000).value());
    }
    const auto packs = MakePacks(
        plans, {.model = &model, .items = 1000, .memory_mib = 64, .compact = loss == "bce"});

    EXPECT_LT(packs.size(), plans.size());
    for (const auto& members : packs) {
      Pack pack(members, false, 1000, task);
      for (std::int64_t step = 0; step < pack.steps() && members.size() > 1; ++step) {
        const StepBatch batch = pack.Batch(step);
        ASSERT_LE(batch.groups * batch.sequences * batch.length, 1024) << loss << ", step " << step;
      }
    }
  }
}

TEST(MakePacks, ClientsWhoShareWeightsFormEvenPacksThatEightWorkersCanShare) {
  const ModelConfig model{.width = 16, .history = 50};
  TrainTask task;
  task.client.loss = "bce";
  Rng rng({.seed = 4});
  for (const int clients : {100, 1000, 20000}) {
    std::vector<ClientPlan> plans;
    std::int64_t all = 0;
    for (int c = 0; c < clients; ++c) {
      const OwnedClient owned{.id = "u" + std::to_string(c),
                              .sequences = {std::vector<ItemRow>(20 + rng.Below(31), 1)}};
      plans.push_back(
          PlanClient(owned.View(), static_cast<std::size_t>(c), model, task, 1000).value());
      all += plans.back().longest;
    }
    const auto packs = MakePacks(
        plans,
        {.model = &model, .items = 1000, .memory_mib = 512, .shared = true, .compact = true});

    const auto count = static_cast<std::int64_t>(packs.size());
    EXPECT_EQ(count % 8, 0) << clients;
    for (std::size_t p = 0; p < packs.size(); ++p) {
      std::int64_t tokens = 0;
      for (const ClientPlan* plan : packs[p]) {
        tokens += plan->longest;
      }
      EXPECT_LE(tokens, 8192 + 50);
      EXPECT_GE(tokens, p + 1 < packs.size() ? all / count / 2 : 1) << clients << " pack " << p;
    }
  }
}

TEST(MakePacks, ClientsWithOwnWeightsAreFewOnACpuAndMemoryAloneBoundsThemOnAGpu) {
  const ModelConfig model{.width = 16, .history = 50};
  TrainTask task;
  task.client.loss = "bce";
  std::vector<ClientPlan> plans;
  for (std::size_t c = 0; c < 64; ++c) {
    const OwnedClient owned{.id = "u" + std::to_string(c), .sequences = {{1, 2, 3}}};
    plans.push_back(PlanClient(owned.View(), c, model, task, 1000).value());
  }
  PackLimits limits{.model = &model, .items = 1000, .memory_mib = 512, .compact = true};
  EXPECT_EQ(MakePacks(plans, limits).size(), 16U);
  limits.cached = false;
  EXPECT_EQ(MakePacks(plans, limits).size(), 1U);
  limits.memory_mib = 1;
  const std::size_t bounded = MakePacks(plans, limits).size();
  EXPECT_TRUE(bounded > 1 && bounded <= 64) << bounded;
}

TEST(Pack, TakesTheWholeTableWhereASliceWouldBeAsLarge) {
  TrainTask task;
  task.client = {.loss = "bce", .negatives = 2};
  const OwnedClient owned{.id = "u", .sequences = {{1, 2, 3, 4, 5}}};
  const ClientPlan plan = PlanClient(owned.View(), 0, {}, task, 10).value();
  const ClientPlan wide = PlanClient(owned.View(), 0, {}, task, 1000).value();
  const std::vector<const ClientPlan*> one = {&plan};
  const std::vector<const ClientPlan*> other = {&wide};

  EXPECT_TRUE(Pack(one, true, 10, task).table(0).empty());
  EXPECT_EQ(Pack(one, true, 10, task).table_rows(), 11);
  const Pack slice(other, true, 1000, task);
  EXPECT_EQ(slice.table_rows(), std::ssize(slice.table(0)));
  EXPECT_LT(slice.table_rows(), 20);
}

TEST(MakePacks, NobodyMakesNoPack) {
  const ModelConfig model{.width = 16};
  EXPECT_TRUE(MakePacks({}, {.model = &model, .items = 10, .shared = true}).empty());
}

TEST(MakePacks, DoesNotDependOnTheOrderOfClients) {
  std::vector<OwnedClient> owned;
  Rng rng({.seed = 3});
  for (int c = 0; c < 200; ++c) {
    owned.push_back(
        {.id = "u" + std::to_string(c), .sequences = {std::vector<ItemRow>(2 + rng.Below(90), 1)}});
  }
  const ModelConfig model{.history = 100};
  TrainTask task;
  const auto packs_of = [&] {
    std::vector<ClientPlan> plans;
    for (std::size_t c = 0; c < owned.size(); ++c) {
      plans.push_back(PlanClient(owned[c].View(), c, model, task, 500).value());
    }
    std::vector<std::vector<std::string>> names;
    for (const auto& pack : MakePacks(plans, {.model = &model, .items = 500})) {
      names.emplace_back();
      for (const ClientPlan* plan : pack) {
        names.back().push_back(plan->id);
      }
    }
    return names;
  };

  const auto before = packs_of();
  rng.Shuffle(std::span<OwnedClient>(owned));

  EXPECT_GT(before.size(), 2U);
  EXPECT_EQ(packs_of(), before);
}

TEST(FoldSegments, GivesTheNumbersOfFoldDense) {
  const auto layout = ModelLayout({.width = 8, .history = 5}, 300).value();
  Rng rng({.seed = 9});
  std::vector<float> values(layout->size(), 0.0F);
  for (float& value : values) {
    value = rng.Below(3) == 0 ? 0.0F : static_cast<float>(rng.Normal() * 0.01);
  }
  values[17] = 3e9F;  // saturates
  GridBlock dense = MakeBlock("delta", layout, {}, Scaling::kByWeight);
  GridBlock sparse = dense;

  const std::uint64_t saturated = FoldDense(dense, values, 77, nullptr).value();
  const std::vector<UpdateSegment> segments = {{0, std::span(values).first(100)},
                                               {100, std::span(values).subspan(100)}};

  EXPECT_EQ(FoldSegments(sparse, segments, 77), saturated);
  EXPECT_EQ(sparse.values, dense.values);
}

TEST(FillDropoutMask, KeepsTheRightShareAndForgetsPadding) {
  const std::vector<std::uint64_t> keys = {11, 12};
  const DropoutSite site{.site = 3, .probability = 0.3};
  std::vector<float> longer(2 * 200 * 64);
  std::vector<float> shorter(2 * 50 * 64);

  FillDropoutMask(keys, 200, 64, site, longer);
  FillDropoutMask(keys, 50, 64, site, shorter);

  const auto dropped = static_cast<double>(std::count(longer.begin(), longer.end(), 0.0F));
  EXPECT_NEAR(dropped / 25600.0, 0.3, 5.0 * std::sqrt(0.21 / 25600.0));
  EXPECT_FLOAT_EQ(*std::max_element(longer.begin(), longer.end()), 1.0F / 0.7F);
  for (std::size_t s = 0; s < 2; ++s) {
    EXPECT_TRUE(std::equal(shorter.begin() + static_cast<std::ptrdiff_t>(s * 50 * 64),
                           shorter.begin() + static_cast<std::ptrdiff_t>((s + 1) * 50 * 64),
                           longer.begin() + static_cast<std::ptrdiff_t>(s * 200 * 64 + 150 * 64)));
  }
}

}  // namespace
}  // namespace rondo
