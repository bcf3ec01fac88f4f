#include "common/model/fused_step.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "common/core/rng.h"
#include "common/model/encoder.h"
#include "common/model/losses.h"
#include "common/model/tensor_dropout.h"

namespace rondo {
namespace {

struct Shape {
  std::string name;
  std::string attention;
  std::int64_t groups;
  int heads;
  double dropout;
  bool causal = true;
  bool positions = true;
  std::int64_t batch = 3;   ///< sequences of a group
  std::int64_t length = 9;  ///< of the longest sequence
};

/// A step over random ragged sequences, fused and by LibTorch's operations.
class FusedStepTwin : public ::testing::TestWithParam<Shape> {
 protected:
  static constexpr std::int64_t kItems = 30;

  FusedStepTwin() {
    const Shape& shape = GetParam();
    config_ = {.width = 8,
               .blocks = 2,
               .heads = shape.heads,
               .history = static_cast<int>(shape.length + 3),
               .attention = {shape.attention},
               .positions = shape.positions,
               .causal = shape.causal};
    layout_ = ModelLayout(config_, kItems).value();
    torch::manual_seed(7);
    for (const ParameterEntry& entry : layout_->entries()) {
      std::vector<std::int64_t> size = {shape.groups};
      size.insert(size.end(), entry.shape.begin(), entry.shape.end());
      at::Tensor weight = torch::randn(size) * 0.3;
      if (entry.zero_first_row) {
        weight.select(1, 0).zero_();
      }
      weights_.push_back(weight.requires_grad_(true));
    }
    MakeBatch(shape.groups);
  }

  std::int64_t RandomRow() { return static_cast<std::int64_t>(1 + rng_.Below(kItems)); }

  /// Every other position is to be predicted from; the second sequence of a group is all padding,
  /// and the last slots are unused.
  void MakeBatch(std::int64_t groups) {
    const std::int64_t batch = GetParam().batch;
    const std::int64_t longest = GetParam().length;
    const std::int64_t slots = batch * longest;
    batch_ = {.groups = groups, .sequences = batch, .length = longest, .slots = slots};
    batch_.negatives_a_slot = kNegatives;
    for (std::int64_t sequence = 0; sequence < groups * batch; ++sequence) {
      const auto length =
          sequence % batch == 1
              ? 0
              : static_cast<std::int64_t>(1 + rng_.Below(static_cast<std::uint64_t>(longest)));
      for (std::int64_t t = 0; t < longest; ++t) {
        const bool padding = t < longest - length;
        batch_.input.push_back(padding ? 0 : RandomRow());
        if (!padding && (longest - t) % 2 == 1) {
          batch_.place.push_back(sequence * longest + t);
          batch_.owner.push_back(static_cast<std::int32_t>(sequence / batch));
          batch_.coefficient.push_back(static_cast<float>(0.1 + rng_.Uniform()));
        }
      }
      batch_.dropout_key.push_back(rng_.NextU64());
      if (sequence % batch == batch - 1) {
        const auto all = static_cast<std::size_t>((sequence / batch + 1) * slots);
        batch_.place.resize(all, sequence / batch * batch * longest);
        batch_.owner.resize(all, -1);
        batch_.coefficient.resize(all, 0.0F);
      }
    }
    for (std::int64_t slot = 0; slot < groups * slots; ++slot) {
      batch_.target.push_back(RandomRow());
      for (std::int64_t k = 0; k < kNegatives; ++k) {
        batch_.negatives.push_back(RandomRow());
      }
    }
  }

  at::Tensor Longs(const std::vector<std::int64_t>& values) const {
    return torch::tensor(values, at::kLong).view({batch_.groups, -1});
  }

  EncoderInput Input() const {
    return {.input = Longs(batch_.input).view({batch_.groups, batch_.sequences, batch_.length}),
            .dropout = GetParam().dropout,
            .dropout_key = batch_.dropout_key};
  }

  at::Tensor PlainHidden(const EncoderWeights& bound) const {
    const at::Tensor states = Encode(config_, bound, Input()).view({-1, config_.width});
    return states.index_select(0, Longs(batch_.place).view({-1}))
        .view({batch_.groups, batch_.slots, -1});
  }

  /// The losses of the used slots, then the gradients.
  std::vector<at::Tensor> Plain(const LossKind& kind) const {
    const EncoderWeights bound = BindWeights(config_, *layout_, weights_).value();
    const at::Tensor coefficient =
        torch::tensor(batch_.coefficient).view({batch_.groups, batch_.slots});
    const LossOutput out = kind.loss(
        {.hidden = PlainHidden(bound),
         .item = bound.item,
         .target = Longs(batch_.target),
         .negatives = Longs(batch_.negatives).view({batch_.groups, batch_.slots, kNegatives}),
         .coefficient = coefficient,
         .shape = kShape});
    std::vector<at::Tensor> outcome = {out.each.masked_fill(coefficient == 0.0, 0.0)};
    for (const at::Tensor& gradient :
         torch::autograd::grad({out.objective}, weights_, {}, false, false, true)) {
      outcome.push_back(gradient.defined() ? gradient
                                           : at::zeros_like(weights_[outcome.size() - 1]));
    }
    return outcome;
  }

  std::vector<at::Tensor> Fused(const LossKind& kind, StepRooms& rooms) const {
    const at::NoGradGuard no_gradient;
    std::vector<at::Tensor> gradients;
    for (const at::Tensor& weight : weights_) {
      gradients.push_back(at::zeros_like(weight));
    }
    const at::Tensor losses = FusedStep(config_,
                                        BindWeights(config_, *layout_, weights_).value(),
                                        BindWeights(config_, *layout_, gradients).value(),
                                        batch_,
                                        kind,
                                        kShape,
                                        GetParam().dropout,
                                        rooms);
    gradients.insert(gradients.begin(), losses);
    return gradients;
  }

  static constexpr std::int64_t kNegatives = 3;
  static constexpr SampledShape kShape{.items = kItems, .calibration = 0.6};

  ModelConfig config_;
  std::shared_ptr<const ParameterLayout> layout_;
  std::vector<at::Tensor> weights_;
  StepBatch batch_;
  Rng rng_{{.seed = 3}};
};

TEST_P(FusedStepTwin, GivesTheLossesAndGradientsOfLibTorch) {
  ASSERT_TRUE(HasFusedStep(config_, at::kCPU));
  StepRooms rooms;  // used again, as a pack does
  for (const std::string loss : {"softmax", "sampled_softmax", "bce", "bpr", "gbce"}) {
    const LossKind& kind = *FindLoss(loss).value();
    const auto fused = Fused(kind, rooms);
    const auto plain = Plain(kind);
    for (std::size_t i = 0; i < plain.size(); ++i) {
      const std::string name = loss + (i == 0 ? " loss" : " " + layout_->entries()[i - 1].name);
      const double scale = std::max(1.0, plain[i].abs().max().item<double>());
      EXPECT_LT((fused[i] - plain[i]).abs().max().item<double>(), 1e-5 * scale) << name;
      const bool idle = name.ends_with("key.bias")
                        || (GetParam().attention == "uniform"
                            && (name.ends_with("key.weight") || name.ends_with("query.weight")
                                || name.ends_with("query.bias")));
      EXPECT_GT(plain[i].abs().max().item<double>(), idle ? -1.0 : 2e-4) << name;
    }
  }
}

TEST_P(FusedStepTwin, GivesTheHiddenStatesOfLibTorch) {
  const at::NoGradGuard no_gradient;
  const EncoderWeights bound = BindWeights(config_, *layout_, weights_).value();
  const at::Tensor used =
      (torch::tensor(batch_.coefficient) > 0.0).to(at::kFloat).view({batch_.groups, -1, 1});
  const at::Tensor fused = EncodeAt(config_, bound, Input(), Longs(batch_.place).view({-1}))
                               .view({batch_.groups, batch_.slots, -1});
  EXPECT_LT(((fused - PlainHidden(bound)) * used).abs().max().item<double>(), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(
    Model,
    FusedStepTwin,
    ::testing::Values(Shape{"Shared", "multi_head", 1, 2, 0.0},
                      Shape{"SharedDropout", "multi_head", 1, 2, 0.3},
                      Shape{"Clients", "multi_head", 4, 1, 0.0},
                      Shape{"ClientsDropout", "multi_head", 4, 4, 0.5},
                      Shape{"PlainDot", "dot", 2, 1, 0.2},
                      Shape{"MeanPooling", "uniform", 2, 2, 0.2},
                      Shape{"BothWays", "multi_head", 2, 2, 0.0, false},
                      Shape{"WithoutPositions", "multi_head", 1, 1, 0.0, true, false},
                      // More rows than are taken through the cache at a time.
                      Shape{"ManyChunks", "multi_head", 1, 2, 0.2, true, true, 40, 30},
                      Shape{"ManyChunksOfTwoClients", "dot", 2, 1, 0.0, true, true, 40, 30}),
    [](const auto& shape) { return shape.param.name; });

TEST(TensorDropout, MakesTheMaskOfTheHostBitForBit) {
  const std::vector<std::uint64_t> keys = {1, 99, ~std::uint64_t{0}};
  for (const double probability : {0.0, 0.1, 0.5, 0.999}) {
    for (const std::int64_t width : {1, 7, 200}) {
      const DropoutSite site{.site = 3, .probability = probability};
      at::Tensor host = at::empty({3, 50, width});
      FillDropoutMask(
          keys, 50, width, site, {host.data_ptr<float>(), static_cast<std::size_t>(host.numel())});
      EXPECT_TRUE(host.equal(TensorDropoutMask(keys, 50, width, site, at::kCPU)))
          << probability << ' ' << width;
    }
  }
}

TEST(FusedEncodeAt, GivesZerosWhereEverySequenceIsPadding) {
  const ModelConfig config{.width = 8, .blocks = 1, .heads = 1, .history = 5};
  const auto layout = ModelLayout(config, 4).value();
  std::vector<at::Tensor> weights;
  for (const ParameterEntry& entry : layout->entries()) {
    std::vector<std::int64_t> size = {1};
    size.insert(size.end(), entry.shape.begin(), entry.shape.end());
    weights.push_back(torch::ones(size));
  }
  const at::Tensor hidden = FusedEncodeAt(config,
                                          BindWeights(config, *layout, weights).value(),
                                          {.input = torch::zeros({1, 2, 3}, at::kLong)},
                                          torch::zeros({4}, at::kLong));
  EXPECT_TRUE(hidden.equal(torch::zeros({4, 8})));
}

TEST(HasFusedStep, LeavesScoresWithAWeightToTheOperationsOfLibTorch) {
  EXPECT_FALSE(HasFusedStep({.attention = {"additive"}}, at::kCPU));
  EXPECT_FALSE(HasFusedStep({.attention = {"multi_head", "bilinear"}}, at::kCPU));
  EXPECT_FALSE(HasFusedStep({.attention = {"multi_head"}}, at::kCUDA));
}

}  // namespace
}  // namespace rondo
