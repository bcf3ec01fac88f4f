#include <limits>

#include <gtest/gtest.h>

#include "tests/model/own_vectors.h"

namespace rondo {
namespace {

using testing::Vector;

class Groups : public testing::OwnVectorsTest {};

INSTANTIATE_TEST_SUITE_P(Training,
                         Groups,
                         ::testing::ValuesIn(testing::OwnVectorsCases()),
                         [](const auto& chosen) { return chosen.param.name; });

TEST_P(Groups, FrozenParametersKeepEveryBit) {
  Model({}, {"item.weight", "blocks.0.", "norm.bias"});
  const std::vector<Vector> corrections = Vectors(0.4);
  task_.control_variates = true;
  task_.proximal_mu = 0.3;
  task_.client.weight_decay = 0.2;
  task_.clip_norm = 0.1;
  for (const std::string optimizer : {"sgd", "adam"}) {
    task_.client.optimizer = optimizer;
    const CohortOutcome outcome = Train(Views(&ClientData::correction, corrections), task_);
    for (const Vector& delta : outcome.deltas) {
      ForEach(ParameterGroup::kFrozen, [&](std::size_t i) { ASSERT_EQ(delta[i], 0.0F) << i; });
      EXPECT_GT(SharedNorm(delta), 0.05);
    }
  }
}

TEST_P(Groups, FrozenParametersKeepEveryBitWhereClientsShareWeights) {
  task_.client.batch_size = 8;
  task_.client.epochs = 1;
  const auto views = testing::Views(clients_);
  const auto sum = [&] {
    const CohortOutcome outcome =
        TrainOn(broadcast_.model, views, task_, UpdateVisibility::kSumOnly).value();
    EXPECT_EQ(outcome.clients.at(0).update_norm, 0.0) << "packs did not share weights";
    return outcome.sum.blocks.at(0).values;
  };
  const std::vector<std::int64_t> all = sum();
  Model({}, {"item.weight", "blocks.0.", "norm.bias"});
  const std::vector<std::int64_t> some = sum();
  ForEach(ParameterGroup::kFrozen, [&](std::size_t i) { ASSERT_EQ(some[i], 0) << i; });
  ForEach(ParameterGroup::kShared, [&](std::size_t i) { ASSERT_EQ(some[i], all[i]) << i; });
}

TEST_P(Groups, PersonalParametersStartWhereTheClientLeftThem) {
  Model({"item.weight", "blocks.1.", "norm."}, {});
  const std::vector<Vector> own = Vectors(1.0);
  const std::vector<ClientData> views = Views(&ClientData::personal, own);
  const std::vector<ClientData> plain = testing::Views(clients_);
  task_.proximal_mu = 0.3;
  const CohortOutcome together = Train(views, task_);
  for (std::size_t c = 0; c < clients_.size(); ++c) {
    const Vector alone = Train({&views[c], 1}, task_).deltas.at(0);
    const ParameterVector start = With(own[c]);
    EXPECT_EQ(alone, TrainOn(start, {&plain[c], 1}, task_).value().deltas.at(0));
    const std::vector<double> by_hand = ByHand(clients_[c], task_, start.values, {});
    for (std::size_t i = 0; i < alone.size(); ++i) {
      ASSERT_NEAR(together.deltas[c][i], alone[i], 2e-6) << "client " << c << " coordinate " << i;
      ASSERT_NEAR(alone[i], by_hand[i], 3e-6) << "client " << c << " coordinate " << i;
    }
  }
}

TEST_P(Groups, CorrectionsAndPersonalParametersGoTogether) {
  Model({"item.weight", "blocks.1."}, {"norm."});
  const std::vector<Vector> own = Vectors(1.0);
  const std::vector<Vector> corrections = Vectors(0.4);
  task_.dynamic_alpha = 0.5;
  std::vector<ClientData> views = Views(&ClientData::personal, own);
  for (std::size_t c = 0; c < views.size(); ++c) {
    views[c].correction = corrections[c];
  }
  const CohortOutcome outcome = Train(views, task_);
  for (std::size_t c = 0; c < clients_.size(); ++c) {
    const std::vector<double> want =
        ByHand(clients_[c], task_, With(own[c]).values, corrections[c]);
    for (std::size_t i = 0; i < want.size(); ++i) {
      ASSERT_NEAR(outcome.deltas[c][i], want[i], 3e-6) << "client " << c << " coordinate " << i;
    }
  }
}

TEST_P(Groups, OnlyWhatIsSentIsClippedAndNormalised) {
  Model({"item.weight", "norm."}, {});
  const std::vector<Vector> own = Vectors(0.4);
  const std::vector<ClientData> views = Views(&ClientData::personal, own);
  const CohortOutcome whole = Train(views, task_);
  constexpr double kClip = 0.002;
  task_.clip_norm = kClip;
  task_.normalise = true;
  const CohortOutcome outcome = Train(views, task_);
  for (std::size_t c = 0; c < clients_.size(); ++c) {
    const double norm = SharedNorm(whole.deltas[c]);
    EXPECT_NEAR(whole.clients[c].update_norm, norm, 1e-6 * norm);
    const double a_step = norm / static_cast<double>(whole.clients[c].steps);
    EXPECT_NEAR(outcome.clients[c].update_norm, a_step, 1e-6 * a_step);
    ASSERT_GT(a_step, kClip);
    EXPECT_LE(SharedNorm(outcome.deltas[c]), kClip);
    ForEach(ParameterGroup::kShared, [&](std::size_t i) {
      ASSERT_NEAR(outcome.deltas[c][i], whole.deltas[c][i] * kClip / norm, 1e-7) << i;
    });
    ForEach(ParameterGroup::kPersonal,
            [&](std::size_t i) { ASSERT_EQ(outcome.deltas[c][i], whole.deltas[c][i]) << i; });
  }
}

TEST_P(Groups, APersonalStartWithoutNumbersFailsAlone) {
  Model({"norm."}, {});
  std::vector<Vector> own(clients_.size());
  own[2].assign(layout_->size(), std::numeric_limits<float>::quiet_NaN());
  const CohortOutcome outcome = Train(Views(&ClientData::personal, own), task_);
  ASSERT_EQ(outcome.failed.size(), 1U);
  EXPECT_EQ(outcome.failed[0].first, "client2");
  EXPECT_EQ(outcome.failed[0].second.code, ErrorCode::kDiverged);
  EXPECT_EQ(outcome.deltas.size(), clients_.size() - 1);
}

TEST_P(Groups, AWatchedTrainingShowsTheClientsOwnModel) {
  Model({"item.weight", "norm."}, {});
  const Vector own = Vectors(1.0)[1];
  ClientData client = clients_[1].View();
  client.personal = own;
  const ParameterVector start = With(own);
  Vector shown;
  auto trainer = CohortTrainer::Create(
      {.model = model_, .items = testing::kItems, .engine = {.device = "cpu"}});
  const auto watch = [&](int, const ParameterVector& model) {
    shown = model.values;
    return true;
  };
  ASSERT_TRUE((*trainer)->Fit(broadcast_, client, task_, 2, watch, {}).has_value());
  const Vector delta = Train({&client, 1}, task_).deltas.at(0);
  ASSERT_EQ(shown.size(), delta.size());
  for (std::size_t i = 0; i < shown.size(); ++i) {
    ASSERT_EQ(shown[i], start.values[i] + delta[i]) << i;
  }
}

}  // namespace
}  // namespace rondo
