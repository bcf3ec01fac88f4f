#include "simulations/attack_lab.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "common/federated/vector_math.h"
#include "common/metrics/exposure_rate.h"
#include "tests/metrics/hand_made.h"

namespace rondo::sim {
namespace {

using testing::HandMadeDataset;

constexpr int kItems = 20;

class AttackLabTest : public ::testing::Test {
 protected:
  AttackLabTest() {
    // Item 20 is the only one that nobody has.
    std::vector<testing::HandMadeUser> users(40);
    for (int user = 0; user < 40; ++user) {
      for (int event = 0; event < 8; ++event) {
        users[static_cast<std::size_t>(user)].train.push_back(
            static_cast<ItemRow>((user + event * event) % (kItems - 1) + 1));
      }
    }
    dataset_ = HandMadeDataset(kItems, users);
    for (std::uint32_t user = 0; user < 40; ++user) {
      shards_.push_back({.id = "u" + std::to_string(user), .users = {user}});
    }
    scenario_.attack.share = 0.1;
  }

  std::unique_ptr<AttackLab> Lab(const std::string& name) {
    scenario_.attack.name = name;
    return AttackLab::Create(scenario_, dataset_, shards_).value();
  }

  std::vector<ClientData> Cohort() const {
    std::vector<ClientData> cohort;
    for (const ClientShard& shard : shards_) {
      cohort.emplace_back(ClientData{.id = shard.id}).Add(dataset_.users[shard.users[0]]);
    }
    return cohort;
  }

  /// Every client's update is its number in every weight.
  CohortOutcome Outcome(const ParameterLayout& layout) const {
    CohortOutcome outcome;
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      outcome.clients.push_back({.id = shards_[i].id, .weight = 1});
      outcome.deltas.emplace_back(layout.size(), static_cast<float>(i + 1));
    }
    return outcome;
  }

  Dataset dataset_;
  std::vector<ClientShard> shards_;
  Scenario scenario_;
};

TEST_F(AttackLabTest, ChoosesItsShareOfTheClientsBySeed) {
  const std::set<ClientId> hostile = Lab("label_flip")->hostile();
  EXPECT_EQ(hostile.size(), 4U);
  EXPECT_EQ(Lab("promotion")->hostile(), hostile);
  scenario_.data.seed = 2;
  EXPECT_NE(Lab("promotion")->hostile(), hostile);
  scenario_.attack.share = 1e-9;
  EXPECT_EQ(Lab("promotion")->hostile().size(), 1U);
  EXPECT_EQ(Lab("none"), nullptr);
}

TEST_F(AttackLabTest, PromotesTheLeastPopularItemOrTheNamedOne) {
  EXPECT_EQ(Lab("promotion")->target(), kItems);
  scenario_.attack.target = "i3";
  EXPECT_EQ(Lab("promotion")->target(), 3);
  scenario_.attack.target = "i99";
  const auto unknown = AttackLab::Create(scenario_, dataset_, shards_);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  EXPECT_NE(unknown.error().message.find("'i99'"), std::string::npos);
}

TEST_F(AttackLabTest, PoisonsTheLogsOfHostileClientsFromItsRoundOn) {
  scenario_.attack.from_round = 3;
  for (const std::string name :
       {"label_flip", "random_items", "popular_items", "bandwagon", "promotion"}) {
    const auto lab = Lab(name);
    std::vector<ClientData> early = Cohort();
    std::vector<ClientData> late = Cohort();
    lab->PoisonData(early, 2);
    lab->PoisonData(late, 3);
    const std::vector<ClientData> clean = Cohort();
    for (std::size_t i = 0; i < clean.size(); ++i) {
      const std::vector<ItemRow> own(clean[i].sequences[0].begin(), clean[i].sequences[0].end());
      const auto rows = [](const ClientData& client) {
        return std::vector<ItemRow>(client.sequences[0].begin(), client.sequences[0].end());
      };
      EXPECT_EQ(rows(early[i]), own) << name;
      EXPECT_EQ(rows(late[i]) != own, lab->hostile().contains(clean[i].id)) << name;
    }
  }
}

TEST_F(AttackLabTest, FlippedLabelsAreMirrored) {
  const auto lab = Lab("label_flip");
  std::vector<ClientData> cohort = Cohort();
  lab->PoisonData(cohort, 1);
  const std::vector<ClientData> clean = Cohort();
  for (std::size_t i = 0; i < cohort.size(); ++i) {
    for (std::size_t t = 0; t < 8 && lab->hostile().contains(cohort[i].id); ++t) {
      EXPECT_EQ(cohort[i].sequences[0][t], kItems + 1 - clean[i].sequences[0][t]);
    }
  }
}

TEST_F(AttackLabTest, ShillsPutTheTargetAfterEveryFiller) {
  for (const std::string name : {"random_items", "popular_items", "bandwagon"}) {
    const auto lab = Lab(name);
    std::vector<ClientData> cohort = Cohort();
    lab->PoisonData(cohort, 1);
    std::set<ItemRow> fillers;
    for (const ClientData& client : cohort) {
      for (std::size_t t = 0; t < 8 && lab->hostile().contains(client.id); ++t) {
        if (t % 2 == 1) {
          EXPECT_EQ(client.sequences[0][t], lab->target());
        } else {
          fillers.insert(client.sequences[0][t]);
        }
      }
    }
    // The most popular tenth of 20 items is 2 of them.
    EXPECT_EQ(fillers.size() <= 2, name == "popular_items") << name;
  }
}

TEST_F(AttackLabTest, APromotedItemIsAllThatIsPredicted) {
  const auto lab = Lab("promotion");
  std::vector<ClientData> cohort = Cohort();
  lab->PoisonData(cohort, 1);
  for (const ClientData& client : cohort) {
    for (std::size_t t = 0; t < client.sequences[0].size() && lab->hostile().contains(client.id);
         ++t) {
      EXPECT_EQ(client.roles[0][t], t % 2 == 0 ? EventRole::kInput : EventRole::kTarget);
      EXPECT_EQ(client.sequences[0][t] == lab->target(), t % 2 == 1);
    }
  }
}

TEST_F(AttackLabTest, APromotionMovesTheItemTableAloneByAnHonestNorm) {
  const auto lab = Lab("promotion");
  const ModelConfig model{.width = 4, .blocks = 1, .heads = 1, .history = 8};
  const auto layout = ModelLayout(model, kItems).value();
  CohortOutcome outcome = Outcome(*layout);
  const CohortOutcome before = outcome;
  lab->ForgeUpdates({.round = 1}, *layout, outcome);

  std::vector<double> honest;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    if (!lab->hostile().contains(shards_[i].id)) {
      EXPECT_EQ(outcome.deltas[i], before.deltas[i]);
      honest.push_back(std::sqrt(SquaredSum(outcome.deltas[i])));
    }
  }
  std::sort(honest.begin(), honest.end());
  const ParameterEntry& table = *layout->Find("item.weight");
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    if (!lab->hostile().contains(shards_[i].id)) {
      continue;
    }
    const std::span all(before.deltas[i]);
    const double norm = std::sqrt(SquaredSum(all.subspan(table.offset, table.size)));
    for (std::size_t at = 0; at < layout->size(); ++at) {
      const bool item = at >= table.offset && at < table.offset + table.size;
      EXPECT_NEAR(outcome.deltas[i][at], item ? all[at] * honest[18] / norm : 0.0, 1e-4) << at;
    }
  }
}

TEST_F(AttackLabTest, AReplaySendsTheFirstUpdateAgain) {
  const auto lab = Lab("replay");
  const auto layout = ModelLayout({.width = 4, .blocks = 1, .history = 8}, kItems).value();
  const CohortOutcome first = Outcome(*layout);
  CohortOutcome round1 = first;
  lab->ForgeUpdates({.round = 1}, *layout, round1);
  CohortOutcome round2 = first;
  for (std::vector<float>& delta : round2.deltas) {
    delta[0] = 99.0F;
  }
  lab->ForgeUpdates({.round = 2}, *layout, round2);
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    EXPECT_EQ(round1.deltas[i], first.deltas[i]);
    EXPECT_EQ(round2.deltas[i] == first.deltas[i], lab->hostile().contains(shards_[i].id));
  }
}

TEST_F(AttackLabTest, AnInnerProductIsTurnedAroundForTheHonestMean) {
  const auto lab = Lab("ipm");
  const auto layout = ModelLayout({.width = 4, .blocks = 1, .history = 8}, kItems).value();
  CohortOutcome outcome = Outcome(*layout);
  const CohortOutcome before = outcome;
  lab->ForgeUpdates({.round = 1}, *layout, outcome);

  double mean = 0.0;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    mean += lab->hostile().contains(shards_[i].id) ? 0.0 : before.deltas[i][0] / 36.0;
  }
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    const bool hostile = lab->hostile().contains(shards_[i].id);
    EXPECT_NEAR(outcome.deltas[i][7], hostile ? -2.0 * mean : before.deltas[i][7], 1e-4);
  }
}

TEST_F(AttackLabTest, EveryAttackOfAScenarioExists) {
  const auto layout = ModelLayout({.width = 4, .blocks = 1, .history = 8}, kItems).value();
  for (const std::string name : {"sign_flip",
                                 "scaling",
                                 "gaussian",
                                 "nan",
                                 "inf",
                                 "ipm",
                                 "alie",
                                 "min_max",
                                 "min_sum",
                                 "mimic",
                                 "zero",
                                 "replay",
                                 "label_flip",
                                 "random_items",
                                 "popular_items",
                                 "bandwagon",
                                 "promotion"}) {
    const auto lab = Lab(name);
    std::vector<ClientData> cohort = Cohort();
    CohortOutcome outcome = Outcome(*layout);
    lab->PoisonData(cohort, 1);
    if (lab->Forges()) {
      lab->ForgeUpdates({.round = 1}, *layout, outcome);
    }
    for (const std::vector<float>& delta : outcome.deltas) {
      EXPECT_EQ(delta.size(), layout->size()) << name;
    }
  }
}

TEST(ExposureRates, CountUsersWhoHaveNotMetTheItem) {
  // Scores are the row; users 1 and 2 have met better items, user 3 has met the target.
  testing::FunctionScorer scorer([](History, ItemRow row) { return static_cast<float>(row); });
  const std::vector<UserHistory> users = {{.user = "a", .rows = {1}, .met = {1}},
                                          {.user = "b", .rows = {9, 10}, .met = {10, 9, 0}},
                                          {.user = "c", .rows = {7}, .met = {7}}};
  const std::vector<int> k = {1, 2, 4};

  const std::vector<double> rates = ExposureRates(scorer, users, 10, 7, k).value();

  // Of item 7 stand in front: 8, 9, 10 for a; 8 for b.
  EXPECT_EQ(rates, (std::vector<double>{0.0, 0.5, 1.0}));
  EXPECT_TRUE(std::isnan(ExposureRates(scorer, std::span(users).last(1), 10, 7, k).value()[0]));
}

TEST(ExposureRates, ShareTiesInExpectation) {
  testing::FunctionScorer scorer([](History, ItemRow) { return 0.5F; });
  const std::vector<UserHistory> users = {{.user = "a", .rows = {1}, .met = {1}}};
  const std::vector<int> k = {1, 3};

  const std::vector<double> rates = ExposureRates(scorer, users, 10, 7, k).value();

  EXPECT_NEAR(rates[0], 1.0 / 9.0, 1e-12);
  EXPECT_NEAR(rates[1], 3.0 / 9.0, 1e-12);
}

}  // namespace
}  // namespace rondo::sim
