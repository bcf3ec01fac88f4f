#include <set>

#include <gtest/gtest.h>

#include "common/core/rng.h"
#include "common/model/plan.h"
#include "common/model/trainer.h"
#include "tests/model/fixture.h"

namespace rondo {
namespace {

using testing::Golden;

constexpr int kClients = 3;
constexpr EventRole kRoles[] = {EventRole::kInput, EventRole::kTarget, EventRole::kBoth};

/// Users of one client, as a data set holds them.
struct Owner {
  ClientId id;
  std::vector<UserSequence> users;
  std::vector<std::vector<ItemRow>> brought;  ///< negatives, one list a user, or none

  ClientData View() const {
    ClientData data{.id = id};
    for (const UserSequence& user : users) {
      data.Add(user);
    }
    data.negatives.assign(brought.begin(), brought.end());
    return data;
  }
};

UserSequence MakeUser(std::vector<ItemRow> rows, std::vector<EventRole> roles = {}) {
  const std::size_t size = rows.size();
  return {.user = "u", .rows = std::move(rows), .roles = std::move(roles), .train_size = size};
}

std::vector<ItemRow> RandomRows(Rng& rng, std::size_t count, std::uint64_t items) {
  std::vector<ItemRow> rows;
  while (rows.size() < count) {
    rows.push_back(static_cast<ItemRow>(rng.Below(items)) + 1);
  }
  return rows;
}

TrainTask Task(const std::string& loss) {
  TrainTask task;
  task.client = {.steps = 1,
                 .shuffle = false,
                 .optimizer = "sgd",
                 .learning_rate = 1.0,
                 .loss = loss,
                 .negatives = 2};
  return task;
}

CohortTrainer::Options Options(const ModelConfig& model, std::int64_t items) {
  return {.model = model, .items = items, .engine = {.threads = 1, .device = "cpu"}};
}

TEST(RolesGolden, LossesAndGradientsOfTargetsAreThoseOfPyTorch) {
  const Golden golden("roles");
  const std::vector<ItemRow> sizes = golden.Rows("items_width_heads_blocks_history_negatives");
  const ModelConfig model{
      .width = sizes[1], .blocks = sizes[3], .heads = sizes[2], .history = sizes[4]};
  std::vector<Owner> owners;
  for (int c = 0; c < kClients; ++c) {
    const std::string name = "client" + std::to_string(c);
    Owner& owner = owners.emplace_back(Owner{.id = name});
    for (int s = 0; golden.Has(name + ".rows" + std::to_string(s)); ++s) {
      const std::string index = std::to_string(s);
      std::vector<EventRole> roles;
      for (const ItemRow role : golden.Rows(name + ".roles" + index)) {
        roles.push_back(static_cast<EventRole>(role));
      }
      owner.users.push_back(MakeUser(golden.Rows(name + ".rows" + index), std::move(roles)));
      owner.brought.push_back(golden.Rows(name + ".negatives" + index));
    }
  }
  std::vector<ClientData> clients;
  for (const Owner& owner : owners) {
    clients.push_back(owner.View());
  }
  const CohortTrainer::Options options = Options(model, sizes[0]);
  const Broadcast broadcast{
      .model = {.layout = LayoutOf(options).value(), .values = golden.Floats("weights")}};
  auto trainer = CohortTrainer::Create(options).value();

  for (const std::string loss : {"softmax", "sampled_softmax", "bce"}) {
    const CohortOutcome outcome =
        trainer->Train(broadcast, clients, Task(loss), UpdateVisibility::kIndividual, {}).value();

    ASSERT_EQ(outcome.deltas.size(), static_cast<std::size_t>(kClients)) << loss;
    for (std::size_t c = 0; c < kClients; ++c) {
      const std::string name = "client" + std::to_string(c);
      EXPECT_EQ(static_cast<double>(outcome.clients[c].positions),
                golden.At(name + ".positions")[0]);
      EXPECT_NEAR(outcome.clients[c].loss, golden.At(name + "." + loss + ".loss")[0], 1e-5);
      const std::vector<double>& gradient = golden.At(name + "." + loss + ".gradient");
      ASSERT_EQ(outcome.deltas[c].size(), gradient.size());
      for (std::size_t i = 0; i < gradient.size(); ++i) {
        ASSERT_NEAR(-static_cast<double>(outcome.deltas[c][i]), gradient[i], 1e-5)
            << name << " " << loss << " at " << i;
      }
    }
  }
}

TEST(Roles, EveryTargetSeesTheInputsBeforeItInsideTheWindow) {
  Rng rng({.seed = 11, .purpose = Purpose::kGenerator});
  for (int run = 0; run < 500; ++run) {
    const std::vector<ItemRow> rows = RandomRows(rng, rng.Below(20), 1000);
    std::vector<EventRole> roles;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      roles.push_back(kRoles[rng.Below(3)]);
    }
    const auto history = static_cast<std::int64_t>(1 + rng.Below(8));
    const PlannedSequence cut = CutSequence(rows, roles, history);

    ASSERT_LE(cut.length(), history);
    ASSERT_EQ(cut.places.size(), cut.targets.size());
    ASSERT_TRUE(cut.targets.empty() == cut.inputs.empty());
    ASSERT_TRUE(cut.places.empty() || cut.places.back() + 1 == cut.inputs.size())
        << "no input after the last target";
    // From the end: the targets of the cut are the last ones, each with its own past.
    std::size_t target = cut.targets.size();
    std::vector<ItemRow> inputs;
    for (std::size_t i = rows.size(); i-- > 0 && target > 0;) {
      if (!IsTarget(roles[i])) {
        continue;
      }
      --target;
      ASSERT_EQ(cut.targets[target], rows[i]);
      inputs.clear();
      for (std::size_t j = 0; j < i; ++j) {
        if (IsInput(roles[j])) {
          inputs.push_back(rows[j]);
        }
      }
      const std::size_t seen = cut.places[target] + 1;
      ASSERT_LE(seen, inputs.size());
      ASSERT_TRUE(std::equal(
          inputs.end() - static_cast<std::ptrdiff_t>(seen), inputs.end(), cut.inputs.begin()));
    }
  }
}

class RolesTraining : public ::testing::TestWithParam<std::string> {
 protected:
  static constexpr std::int64_t kItems = 30;

  CohortOutcome Train(const std::vector<UserSequence>& users, double feedback_share = 0.5) {
    const Owner owner{.id = "c", .users = users, .brought = {}};
    const CohortTrainer::Options options =
        Options({.width = 8, .blocks = 1, .heads = 2, .history = history_}, kItems);
    const Broadcast broadcast{.model = InitialParameters(LayoutOf(options).value(), 3)};
    TrainTask task = Task(GetParam());
    task.client.steps = 3;
    task.client.feedback_share = feedback_share;
    return CohortTrainer::Create(options)
        .value()
        ->Train(broadcast,
                std::vector<ClientData>{owner.View()},
                task,
                UpdateVisibility::kIndividual,
                {})
        .value();
  }

  std::vector<UserSequence> Users() {
    std::vector<UserSequence> users;
    for (const std::size_t length : {2, 7, 12}) {
      users.push_back(MakeUser(RandomRows(rng_, length, 20)));
    }
    return users;
  }

  int history_ = 6;
  Rng rng_{{.seed = 5, .purpose = Purpose::kGenerator}};
};

TEST_P(RolesTraining, AllBothIsTheSameAsNoRoles) {
  std::vector<UserSequence> users = Users();
  const CohortOutcome plain = Train(users);
  for (UserSequence& user : users) {
    user.roles.assign(user.rows.size(), EventRole::kBoth);
  }
  const CohortOutcome both = Train(users);
  EXPECT_EQ(plain.deltas, both.deltas) << "bit for bit";
  EXPECT_EQ(plain.clients[0].weight, both.clients[0].weight);
}

TEST_P(RolesTraining, AnInputOnlyEventIsNoTargetAndALastOneChangesNothing) {
  history_ = 40;  // so that clicks push nothing out
  std::vector<UserSequence> users = Users();
  const CohortOutcome plain = Train(users);
  for (UserSequence& user : users) {
    user.roles.assign(user.rows.size(), EventRole::kBoth);
    user.rows.push_back(user.rows.front());  // seen before, so the negatives stay the same
    user.roles.push_back(EventRole::kInput);
    user.train_size = user.rows.size();
  }
  const CohortOutcome clicked = Train(users);
  EXPECT_EQ(plain.deltas, clicked.deltas) << "nobody is predicted from the last click";

  users[2].rows.insert(users[2].rows.begin() + 4, users[2].rows.front());
  users[2].roles.insert(users[2].roles.begin() + 4, EventRole::kInput);
  users[2].train_size = users[2].rows.size();
  users[1].rows.insert(users[1].rows.begin() + 2, users[1].rows.front());
  users[1].roles.insert(users[1].roles.begin() + 2, EventRole::kInput);
  users[1].train_size = users[1].rows.size();
  const CohortOutcome between = Train(users);
  EXPECT_EQ(between.clients[0].positions, plain.clients[0].positions) << "clicks are no targets";
  EXPECT_EQ(between.clients[0].weight, plain.clients[0].weight);
  EXPECT_NE(plain.deltas, between.deltas) << "but clicks are seen";
}

TEST_P(RolesTraining, ATargetOnlyEventIsNeverSeen) {
  // The second event is predicted from the first; the third must not see it.
  const CohortOutcome with =
      Train({MakeUser({1, 2, 3}, {EventRole::kBoth, EventRole::kTarget, EventRole::kBoth})});
  EXPECT_EQ(with.clients[0].positions, 2U);
  const PlannedSequence cut =
      CutSequence(std::vector<ItemRow>{1, 2, 3},
                  std::vector<EventRole>{EventRole::kBoth, EventRole::kTarget, EventRole::kBoth},
                  6);
  EXPECT_EQ(cut.inputs, (std::vector<ItemRow>{1}));
  EXPECT_EQ(cut.targets, (std::vector<ItemRow>{2, 3}));
  EXPECT_EQ(cut.places, (std::vector<std::uint32_t>{0, 0}));
}

TEST_P(RolesTraining, FeedbackMattersToSampledLossesAlone) {
  std::vector<UserSequence> users = Users();
  const CohortOutcome plain = Train(users);
  for (UserSequence& user : users) {
    user.negatives = {25, 26, 25, user.rows.front()};
  }
  EXPECT_EQ(Train(users, 0.0).deltas.size(), 1U);
  const bool sampled = GetParam() != "softmax";
  EXPECT_EQ(Train(users, 1.0).deltas != plain.deltas, sampled);
  EXPECT_EQ(Train(users, 1.0).clients[0].positions, plain.clients[0].positions);
}

INSTANTIATE_TEST_SUITE_P(Losses,
                         RolesTraining,
                         ::testing::Values("softmax", "sampled_softmax", "bce"));

std::vector<ItemRow> Drawn(const Owner& owner, double share, RoundId round) {
  TrainTask task = Task("bce");
  task.round = round;
  task.client.feedback_share = share;
  return DrawNegatives(PlanClient(owner.View(), 0, {.history = 6}, task, 12).value(), task, 12);
}

TEST(Feedback, ItsShareOfNegativesComesFromTheUsersOwnItems) {
  Owner owner{.id = "c", .users = {MakeUser({1, 2, 3}), MakeUser({4, 5})}, .brought = {}};
  const std::vector<ItemRow> without = Drawn(owner, 0.5, 1);
  owner.users[0].negatives = {9, 8, 9, 2};  // 2 is also a training item: it is not used
  const auto is_feedback = [](ItemRow row) {
    return row == 8 || row == 9;
  };
  std::set<ItemRow> seen;
  int from_feedback = 0;
  for (RoundId round = 1; round <= 400; ++round) {
    const std::vector<ItemRow> all = Drawn(owner, 1.0, round);
    ASSERT_EQ(all.size(), without.size());
    // The first user has two targets, so its negatives are the first four.
    ASSERT_TRUE(std::all_of(all.begin(), all.begin() + 4, is_feedback));
    for (std::size_t i = 4; i < all.size(); ++i) {
      ASSERT_GE(all[i], 6) << "negatives of the other user are uniform over free items";
    }
    seen.insert(all.begin(), all.begin() + 4);
    const std::vector<ItemRow> half = Drawn(owner, 0.5, round);
    from_feedback += static_cast<int>(std::count_if(half.begin(), half.begin() + 4, is_feedback));
  }
  EXPECT_EQ(seen, (std::set<ItemRow>{8, 9}));
  // 1600 draws: a half, and of the other half 2 of the 7 free items are 8 and 9.
  EXPECT_NEAR(from_feedback / 1600.0, 0.5 + 0.5 * 2.0 / 7.0, 0.05);
  owner.users[0].negatives = {2, 1};
  EXPECT_EQ(Drawn(owner, 0.5, 1), without) << "nothing usable, so the same draws as without";
}

TEST(Roles, AClientWithoutATargetIsRefusedAndWrongRolesToo) {
  const Owner clicks{.id = "c",
                     .users = {MakeUser({1, 2}, {EventRole::kInput, EventRole::kInput}),
                               MakeUser({1, 2}, {EventRole::kTarget, EventRole::kTarget})},
                     .brought = {}};
  const auto refused = PlanClient(clicks.View(), 0, {}, Task("softmax"), 5);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "client 'c' has no training row to predict from an earlier one");
  EXPECT_FALSE(clicks.users[0].Trains());
  EXPECT_FALSE(clicks.users[1].Trains());
  EXPECT_TRUE(MakeUser({1, 2}).Trains());

  const std::vector<ItemRow> rows = {1, 2, 3};
  const std::vector<EventRole> roles = {EventRole::kBoth};
  const ClientData uneven{.id = "c", .sequences = {rows}, .negatives = {}, .roles = {roles}};
  EXPECT_EQ(PlanClient(uneven, 0, {}, Task("softmax"), 5).error().code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace rondo
