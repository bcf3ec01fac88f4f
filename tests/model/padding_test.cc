#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "common/core/rng.h"
#include "tests/model/fixture.h"
#include "tests/model/step.h"

/// Whatever a client is packed with, and however far its sequences are padded for that, its loss
/// and its gradient stay its own.
namespace rondo {
namespace {

using testing::GroupModel;
using testing::LookAtStep;
using testing::OwnedClient;
using testing::StepLook;

constexpr std::int64_t kItems = 14;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// A model, a client and its partners, all at random.
class PaddingTest : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  PaddingTest() : rng_({.seed = GetParam()}) {
    config_ = {.width = 8,
               .blocks = 1 + Below(2),
               .heads = 1 + Below(2),
               .history = 4 + Below(6),
               .attention = {AnyOf({"multi_head", "dot", "additive", "bilinear", "uniform"}),
                             AnyOf({"multi_head", "dot", "additive", "bilinear", "uniform"})},
               .positions = Below(4) > 0,
               .causal = Below(4) > 0};
    AddFormsAndEncoder();
    task_.client.loss = AnyOf({"softmax", "sampled_softmax", "bce", "bpr", "gbce"});
    if (config_.encoder == "target_attention" && task_.client.loss == "softmax") {
      task_.client.loss = "bce";
    }
    task_.client.negatives = 1 + Below(3);
    task_.dropout = Below(2) * 0.3;
    task_.client.weight_decay = 1e-30;  // whole tables, so that rows are those of the catalogue
    layout_ = ModelLayout(config_, kItems).value();
    const auto clients = static_cast<std::size_t>(2 + Below(4));
    for (std::size_t c = 0; c < clients; ++c) {
      owned_.push_back(RandomClient("client" + std::to_string(c)));
      weights_.push_back(RandomWeights());
    }
    // Packs follow lengths, so that the client may stand anywhere among its partners.
    target_ = static_cast<std::size_t>(Below(static_cast<int>(clients)));
  }

  void AddFormsAndEncoder() {
    config_.encoder = AnyOf({"self_attention", "self_attention", "gru", "target_attention"});
    config_.window = 1 + Below(4);
    config_.top_k = 1 + Below(4);
    for (const char* form : {"window", "relative", "gated", "top_k"}) {
      if (Below(3) == 0) {
        config_.forms.emplace_back(form);
        config_.causal = true;
        config_.positions = true;  // equal scores of equal items would be chosen by their rounding
      }
    }
    config_.causal = config_.causal || config_.encoder == "gru";
  }

  int Below(int bound) { return static_cast<int>(rng_.Below(static_cast<std::uint64_t>(bound))); }

  std::string AnyOf(const std::vector<std::string>& words) {
    return words[static_cast<std::size_t>(Below(static_cast<int>(words.size())))];
  }

  OwnedClient RandomClient(const std::string& id) {
    OwnedClient client{.id = id};
    const int sequences = 1 + Below(4);
    for (int s = 0; s < sequences; ++s) {
      client.sequences.emplace_back(static_cast<std::size_t>(2 + Below(12)));
      for (ItemRow& row : client.sequences.back()) {
        row = static_cast<ItemRow>(1 + Below(kItems - 2));
      }
    }
    return client;
  }

  /// Embeddings are large enough that the layer norms do not magnify rounding.
  std::vector<float> RandomWeights() {
    std::vector<float> weights = InitialParameters(layout_, rng_.NextU64()).values;
    for (const ParameterEntry& entry : layout_->entries()) {
      const bool table = entry.name == "item.weight" || entry.name == "position.weight";
      const auto skipped = static_cast<std::size_t>(entry.zero_first_row ? config_.width : 0);
      for (std::size_t i = entry.offset + skipped; i < entry.offset + entry.size; ++i) {
        weights[i] += static_cast<float>(rng_.Normal() * (table ? 0.5 : 0.1));
      }
    }
    return weights;
  }

  /// The first step of the clients named, each with weights of its own.
  StepLook Look(const std::vector<std::size_t>& members) {
    std::vector<ClientPlan> plans;
    std::vector<std::vector<float>> weights;
    for (const std::size_t c : members) {
      plans.push_back(PlanClient(owned_[c].View(), c, config_, task_, kItems).value());
      weights.push_back(weights_[c]);
    }
    std::vector<const ClientPlan*> pointers;
    for (const ClientPlan& plan : plans) {
      pointers.push_back(&plan);
    }
    Pack pack(pointers, false, kItems, task_);
    return LookAtStep(testing::MakeGroupModel(config_, kItems, weights),
                      task_.client.loss,
                      task_.dropout,
                      pack.Batch(0));
  }

  std::vector<std::size_t> Everyone() const {
    std::vector<std::size_t> members(owned_.size());
    for (std::size_t c = 0; c < members.size(); ++c) {
      members[c] = c;
    }
    return members;
  }

  /// Expects group `a` of one look and group `b` of another to have the same loss and gradient, up
  /// to the rounding of sums in another order.
  static void ExpectSame(const StepLook& one, std::size_t a, const StepLook& other, std::size_t b) {
    constexpr double kTolerance = 1e-6;
    EXPECT_NEAR(one.loss[a], other.loss[b], kTolerance * std::max(1.0, one.loss[a]));
    const std::vector<float>& want = one.gradient[a];
    const std::vector<float>& got = other.gradient[b];
    ASSERT_EQ(want.size(), got.size());
    float largest = 1.0F;
    for (const float value : want) {
      largest = std::max(largest, std::abs(value));
    }
    for (std::size_t i = 0; i < want.size(); ++i) {
      ASSERT_NEAR(want[i], got[i], kTolerance * largest) << "coordinate " << i;
    }
  }

  Rng rng_;
  ModelConfig config_;
  TrainTask task_;
  std::shared_ptr<const ParameterLayout> layout_;
  std::vector<OwnedClient> owned_;
  std::vector<std::vector<float>> weights_;
  std::size_t target_ = 0;
};

TEST_P(PaddingTest, PartnersInAPackChangeNothing) {
  ExpectSame(Look({target_}), 0, Look(Everyone()), target_);
}

TEST_P(PaddingTest, TheOrderOfAPackChangesNothing) {
  std::vector<std::size_t> turned = Everyone();
  std::reverse(turned.begin(), turned.end());

  ExpectSame(Look(Everyone()), target_, Look(turned), owned_.size() - 1 - target_);
}

TEST_P(PaddingTest, TheLongestPaddingChangesNothing) {
  const StepLook alone = Look({target_});
  // As many sequences as nobody else has, and one as long as the history.
  OwnedClient filler{.id = "filler", .sequences = {std::vector<ItemRow>(40, 3)}};
  filler.sequences.resize(9, {1, 2});
  owned_.push_back(filler);
  weights_.push_back(RandomWeights());

  ExpectSame(alone, 0, Look({target_, owned_.size() - 1}), 0);
}

TEST_P(PaddingTest, TheOrderOfSequencesChangesNothing) {
  // Negatives and parts of sets are drawn, and the streams of dropout named, by the place of a
  // sequence.
  config_.causal = true;
  config_.encoder = "self_attention";
  layout_ = ModelLayout(config_, kItems).value();
  weights_[target_] = RandomWeights();
  task_.client.loss = "softmax";
  task_.dropout = 0.0;
  const StepLook before = Look({target_});
  std::reverse(owned_[target_].sequences.begin(), owned_[target_].sequences.end());

  ExpectSame(before, 0, Look({target_}), 0);
}

TEST_P(PaddingTest, NanInAPartnerStaysThere) {
  const StepLook alone = Look({target_});
  for (std::size_t c = 0; c < weights_.size(); ++c) {
    if (c != target_) {
      std::fill(weights_[c].begin(), weights_[c].end(), kNan);
    }
  }

  ExpectSame(alone, 0, Look(Everyone()), target_);
}

TEST_P(PaddingTest, NanThatOnlyPaddingLooksAtStaysThere) {
  const StepLook sound = Look(Everyone());
  std::size_t longest = 0;
  for (const auto& rows : owned_[target_].sequences) {
    longest = std::max(longest, rows.size() - 1);
  }
  const auto width = static_cast<std::size_t>(config_.width);
  std::vector<float>& poisoned = weights_[target_];
  std::fill_n(poisoned.begin(), width, kNan);  // the padding row of the item table
  if (const ParameterEntry* position = layout_->Find("position.weight")) {
    const auto history = static_cast<std::size_t>(config_.history);
    const std::size_t unseen = history - std::min(history, longest);
    std::fill_n(
        poisoned.begin() + static_cast<std::ptrdiff_t>(position->offset), unseen * width, kNan);
  }

  ExpectSame(sound, target_, Look(Everyone()), target_);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PaddingTest, ::testing::Range<std::uint64_t>(1, 41));

}  // namespace
}  // namespace rondo
