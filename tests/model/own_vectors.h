#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/model/fixture.h"

/// Training with vectors of the clients' own, and with parameters that are personal or frozen.
namespace rondo::testing {

using Vector = std::vector<float>;

inline constexpr std::int64_t kItems = 40;
inline constexpr int kWidth = 8;
inline constexpr int kNegatives = 2;

struct OwnVectorsCase {
  std::string name;
  std::vector<std::string> attention;
  std::string loss;
};

/// Clients of one to four sequences that take a step with each, so that a pack holds clients of
/// different numbers of steps.
class OwnVectorsTest : public ::testing::TestWithParam<OwnVectorsCase> {
 protected:
  OwnVectorsTest() {
    for (OwnedClient& client : clients_) {
      for (const auto& rows : client.sequences) {
        std::vector<ItemRow>& negatives = client.negatives.emplace_back();
        for (std::size_t i = 0; i < (rows.size() - 1) * kNegatives; ++i) {
          negatives.push_back(static_cast<ItemRow>(1 + rng_.Below(kItems)));
        }
      }
    }
    task_.client = {.epochs = 2,
                    .batch_size = 1,
                    .shuffle = false,
                    .learning_rate = 0.1,
                    .loss = GetParam().loss,
                    .negatives = kNegatives};
    task_.grid = MakeGrid({}, 1024, clients_.size()).value();
    Model({}, {});
  }

  void Model(const std::vector<std::string>& personal, const std::vector<std::string>& frozen) {
    model_ = {.width = kWidth,
              .blocks = 2,
              .heads = 2,
              .history = 12,
              .attention = GetParam().attention,
              .personal = personal,
              .frozen = frozen};
    layout_ = ModelLayout(model_, kItems).value();
    broadcast_.model = InitialParameters(layout_, 4);
  }

  /// A vector for every client but each third.
  std::vector<Vector> Vectors(double size) {
    std::vector<Vector> vectors(clients_.size());
    for (std::size_t c = 0; c < vectors.size(); ++c) {
      for (std::size_t i = 0; c % 3 != 0 && i < layout_->size(); ++i) {
        vectors[c].push_back(static_cast<float>(size * (rng_.Uniform() - 0.5)));
      }
    }
    return vectors;
  }

  std::vector<ClientData> Views(std::span<const float> ClientData::*member,
                                const std::vector<Vector>& vectors) const {
    std::vector<ClientData> views = testing::Views(clients_);
    for (std::size_t c = 0; c < views.size(); ++c) {
      views[c].*member = vectors[c];
    }
    return views;
  }

  Result<CohortOutcome> TrainOn(const ParameterVector& model,
                                std::span<const ClientData> clients,
                                const TrainTask& task,
                                UpdateVisibility visibility = UpdateVisibility::kIndividual) const {
    auto trainer = CohortTrainer::Create(
        {.model = model_, .items = kItems, .engine = {.threads = 2, .device = "cpu"}});
    return (*trainer)->Train({.model = model}, clients, task, visibility, {});
  }

  CohortOutcome Train(std::span<const ClientData> clients, const TrainTask& task) const {
    return TrainOn(broadcast_.model, clients, task).value();
  }

  /// The gradient of one sequence at `weights`, read off a plain step of rate 1.
  Vector Gradient(const OwnedClient& client, std::size_t sequence, const Vector& weights) const {
    OwnedClient one{.id = client.id,
                    .sequences = {client.sequences[sequence]},
                    .negatives = {client.negatives[sequence]}};
    TrainTask step;
    step.client = {
        .epochs = 1, .learning_rate = 1.0, .loss = GetParam().loss, .negatives = kNegatives};
    const ClientData view = one.View();
    Vector gradient =
        TrainOn({.layout = layout_, .values = weights}, {&view, 1}, step).value().deltas.at(0);
    for (float& value : gradient) {
      value = -value;
    }
    return gradient;
  }

  /// Places that training moves: neither frozen nor of the padding row.
  std::vector<bool> Moving() const {
    std::vector<bool> moving(layout_->size(), true);
    for (const ParameterEntry& entry : layout_->entries()) {
      const std::size_t still = entry.group == ParameterGroup::kFrozen ? entry.size
                                : entry.zero_first_row                 ? kWidth
                                                                       : 0;
      std::fill_n(moving.begin() + static_cast<std::ptrdiff_t>(entry.offset), still, false);
    }
    return moving;
  }

  /// The delta of SGD by its definition, step by step:
  /// w -= rate * (clip(g + mu (w - w0)) + correction + decay w).
  std::vector<double> ByHand(const OwnedClient& client,
                             const TrainTask& task,
                             const Vector& start,
                             const Vector& correction) const {
    const double mu = task.proximal_mu + task.dynamic_alpha;
    const std::vector<bool> moving = Moving();
    std::vector<double> weights(start.begin(), start.end());
    const std::size_t count = client.sequences.size();
    for (std::size_t step = 0; step < count * static_cast<std::size_t>(task.client.epochs);
         ++step) {
      const Vector plain = Gradient(client, step % count, Vector(weights.begin(), weights.end()));
      std::vector<double> gradient(plain.begin(), plain.end());
      double squares = 0.0;
      for (std::size_t i = 0; i < gradient.size(); ++i) {
        gradient[i] =
            moving[i] ? gradient[i] + mu * (weights[i] - static_cast<double>(start[i])) : 0.0;
        squares += gradient[i] * gradient[i];
      }
      const double clip = task.client.gradient_clip;
      const double factor = clip > 0.0 ? std::min(1.0, clip / std::sqrt(squares)) : 1.0;
      for (std::size_t i = 0; i < gradient.size(); ++i) {
        const double added = correction.empty() ? 0.0 : static_cast<double>(correction[i]);
        if (moving[i]) {
          weights[i] -= task.client.learning_rate
                        * (factor * gradient[i] + added + task.client.weight_decay * weights[i]);
        }
      }
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i] -= static_cast<double>(start[i]);
    }
    return weights;
  }

  void ExpectByHand(const TrainTask& task, const std::string& what) {
    const std::vector<Vector> corrections = Vectors(0.4);
    const CohortOutcome outcome = Train(Views(&ClientData::correction, corrections), task);
    ASSERT_EQ(outcome.deltas.size(), clients_.size());
    for (std::size_t c = 0; c < clients_.size(); ++c) {
      const std::vector<double> want =
          ByHand(clients_[c], task, broadcast_.model.values, corrections[c]);
      for (std::size_t i = 0; i < want.size(); ++i) {
        ASSERT_NEAR(outcome.deltas[c][i], want[i], 2e-6)
            << what << ", client " << c << " coordinate " << i;
      }
    }
  }

  /// The broadcast with a client's own values of the personal parameters.
  ParameterVector With(const Vector& own) const {
    ParameterVector model = broadcast_.model;
    ForEach(ParameterGroup::kPersonal,
            [&](std::size_t i) { model.values[i] = own.empty() ? model.values[i] : own[i]; });
    return model;
  }

  template <typename Visit>
  void ForEach(ParameterGroup group, const Visit& visit) const {
    for (const ParameterEntry& entry : layout_->entries()) {
      for (std::size_t i = entry.offset; entry.group == group && i < entry.offset + entry.size;
           ++i) {
        visit(i);
      }
    }
  }

  double SharedNorm(const Vector& delta) const {
    double squares = 0.0;
    ForEach(ParameterGroup::kShared, [&](std::size_t i) {
      squares += static_cast<double>(delta[i]) * static_cast<double>(delta[i]);
    });
    return std::sqrt(squares);
  }

  Rng rng_{{.seed = 5}};
  std::vector<OwnedClient> clients_ = RandomClients(7, 4, kItems / 2);
  TrainTask task_;
  ModelConfig model_;
  std::shared_ptr<const ParameterLayout> layout_;
  Broadcast broadcast_;
};

/// Fused and plain blocks, whole and compact item tables.
inline std::vector<OwnVectorsCase> OwnVectorsCases() {
  return {{"FusedSoftmax", {"multi_head"}, "softmax"},
          {"FusedBce", {"multi_head"}, "bce"},
          {"PlainSoftmax", {"multi_head", "bilinear"}, "softmax"},
          {"PlainBce", {"multi_head", "bilinear"}, "bce"}};
}

}  // namespace rondo::testing
