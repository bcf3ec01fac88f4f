#include "tests/model/own_vectors.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace rondo {
namespace {

using testing::Vector;

class Corrections : public testing::OwnVectorsTest {};

INSTANTIATE_TEST_SUITE_P(Training,
                         Corrections,
                         ::testing::ValuesIn(testing::OwnVectorsCases()),
                         [](const auto& chosen) { return chosen.param.name; });

TEST_P(Corrections, StepsAreThoseTakenByHand) {
  task_.control_variates = true;
  ExpectByHand(task_, "control variates");
  task_.client.gradient_clip = 0.5;
  task_.client.weight_decay = 0.2;
  ExpectByHand(task_, "control variates, clip and decay");
  task_.control_variates = false;
  task_.dynamic_alpha = 0.7;
  ExpectByHand(task_, "FedDyn, clip and decay");
  task_.proximal_mu = 0.4;
  task_.client.gradient_clip = 0.0;
  Model({}, {"item.weight", "blocks.0."});
  ExpectByHand(task_, "FedDyn, proximal term, decay and frozen parameters");
  task_.client.gradient_clip = 0.5;
  ExpectByHand(task_, "the clip of what is not frozen");
}

TEST_P(Corrections, AdamFollowsACorrectionThatOutweighsItsGradients) {
  task_.control_variates = true;
  task_.client.optimizer = "adam";
  task_.client.learning_rate = 0.01;
  Vector correction(layout_->size());
  for (float& value : correction) {
    value = rng_.Uniform() < 0.5 ? 1e4F : -1e4F;
  }
  const std::vector<Vector> corrections(clients_.size(), correction);
  const CohortOutcome outcome = Train(Views(&ClientData::correction, corrections), task_);
  const std::vector<bool> moving = Moving();
  for (std::size_t c = 0; c < clients_.size(); ++c) {
    const double steps = static_cast<double>(clients_[c].sequences.size()) * 2.0;
    for (std::size_t i = 0; i < correction.size(); ++i) {
      const double want = moving[i] ? (correction[i] > 0.0F ? -0.01 : 0.01) * steps : 0.0;
      ASSERT_NEAR(outcome.deltas[c][i], want, 1e-4) << "client " << c << " coordinate " << i;
    }
  }
}

TEST_P(Corrections, CorrectionsOfZeroChangeNothing) {
  for (const std::string optimizer : {"sgd", "adam"}) {
    task_.client.optimizer = optimizer;
    task_.control_variates = false;
    const CohortOutcome plain = Train(testing::Views(clients_), task_);
    task_.control_variates = true;
    const std::vector<Vector> zeros(clients_.size(), Vector(layout_->size(), 0.0F));
    const CohortOutcome zero = Train(Views(&ClientData::correction, zeros), task_);
    const CohortOutcome none = Train(testing::Views(clients_), task_);
    EXPECT_EQ(zero.deltas, none.deltas);
    if (GetParam().loss == "softmax") {
      EXPECT_EQ(zero.deltas, plain.deltas);
      continue;
    }
    for (std::size_t c = 0; c < clients_.size() && optimizer == "sgd"; ++c) {
      for (std::size_t i = 0; i < layout_->size(); ++i) {
        ASSERT_NEAR(zero.deltas[c][i], plain.deltas[c][i], 1e-6) << "coordinate " << i;
      }
    }
  }
}

TEST_P(Corrections, WhatNoCallerMayAskIsRefused) {
  const auto code = [&](const ClientData& client, const TrainTask& task, UpdateVisibility how) {
    return TrainOn(broadcast_.model, {&client, 1}, task, how).error().code;
  };
  const Vector zeros(layout_->size(), 0.0F);
  ClientData client = clients_[1].View();
  client.correction = zeros;
  EXPECT_EQ(code(client, task_, UpdateVisibility::kIndividual), ErrorCode::kInternal);
  task_.control_variates = true;
  EXPECT_EQ(code(client, task_, UpdateVisibility::kSumOnly), ErrorCode::kInternal);
  client.correction = std::span(zeros).first(7);
  EXPECT_EQ(code(client, task_, UpdateVisibility::kIndividual), ErrorCode::kInternal);
  client = clients_[1].View();
  client.personal = zeros;
  EXPECT_EQ(code(client, task_, UpdateVisibility::kSumOnly), ErrorCode::kInternal);
}

}  // namespace
}  // namespace rondo
