#include "common/model/fused_blocks.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "common/core/rng.h"
#include "common/model/encoder.h"

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
};

/// Random ragged sequences through the fused blocks and through LibTorch's operations.
class FusedBlocksTwin : public ::testing::TestWithParam<Shape> {
 protected:
  static constexpr std::int64_t kItems = 30;
  static constexpr std::int64_t kBatch = 3;
  static constexpr std::int64_t kLength = 9;

  FusedBlocksTwin() {
    const Shape& shape = GetParam();
    config_ = {.width = 8,
               .blocks = 2,
               .heads = shape.heads,
               .history = 12,
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
    input_ = torch::zeros({shape.groups, kBatch, kLength}, at::kLong);
    for (std::int64_t sequence = 0; sequence < shape.groups * kBatch; ++sequence) {
      // One sequence of each group is all padding.
      const auto length =
          sequence % kBatch == 1 ? 0 : static_cast<std::int64_t>(1 + rng_.Below(kLength));
      for (std::int64_t t = kLength - length; t < kLength; ++t) {
        const std::int64_t at = sequence * kLength + t;
        input_.view({-1})[at] = static_cast<std::int64_t>(1 + rng_.Below(kItems));
        place_.push_back(at);
      }
      keys_.push_back(rng_.NextU64());
    }
  }

  /// Gradients of a random projection of the hidden states, after the states themselves.
  std::vector<at::Tensor> Outcome(const at::Tensor& hidden) {
    torch::manual_seed(11);
    std::vector<at::Tensor> outcome = {hidden.detach()};
    const at::Tensor objective = (hidden * torch::randn(hidden.sizes())).sum();
    for (const at::Tensor& gradient : torch::autograd::grad({objective}, weights_)) {
      outcome.push_back(gradient);
    }
    return outcome;
  }

  ModelConfig config_;
  std::shared_ptr<const ParameterLayout> layout_;
  std::vector<at::Tensor> weights_;
  at::Tensor input_;
  std::vector<std::int64_t> place_;
  std::vector<std::uint64_t> keys_;
  Rng rng_{{.seed = 3}};
};

TEST_P(FusedBlocksTwin, GivesTheStatesAndGradientsOfLibTorch) {
  const EncoderWeights bound = BindWeights(config_, *layout_, weights_).value();
  const EncoderInput in{.input = input_, .dropout = GetParam().dropout, .dropout_key = keys_};
  const at::Tensor place = torch::tensor(place_);
  ASSERT_TRUE(HasFusedBlocks(config_, at::kCPU));
  const auto fused = Outcome(EncodeAt(config_, bound, in, place));
  const auto plain =
      Outcome(Encode(config_, bound, in).view({-1, config_.width}).index_select(0, place));
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const std::string name = i == 0 ? "hidden" : layout_->entries()[i - 1].name;
    const double scale = std::max(1.0, plain[i].abs().max().item<double>());
    EXPECT_LT((fused[i] - plain[i]).abs().max().item<double>(), 1e-5 * scale) << name;
    EXPECT_GT(plain[i].abs().max().item<double>(), name.ends_with("key.bias") ? -1.0 : 1e-3)
        << name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Model,
    FusedBlocksTwin,
    ::testing::Values(Shape{"Shared", "multi_head", 1, 2, 0.0},
                      Shape{"SharedDropout", "multi_head", 1, 2, 0.3},
                      Shape{"Clients", "multi_head", 4, 1, 0.0},
                      Shape{"ClientsDropout", "multi_head", 4, 4, 0.5},
                      Shape{"PlainDot", "dot", 2, 1, 0.2},
                      Shape{"BothWays", "multi_head", 2, 2, 0.0, false},
                      Shape{"WithoutPositions", "multi_head", 1, 1, 0.0, true, false}),
    [](const auto& shape) { return shape.param.name; });

TEST(EncodeAt, LeavesScoresWithAWeightToTheOperationsOfLibTorch) {
  EXPECT_FALSE(HasFusedBlocks({.attention = {"additive"}}, at::kCPU));
  EXPECT_FALSE(HasFusedBlocks({.attention = {"multi_head", "bilinear"}}, at::kCPU));
  EXPECT_FALSE(HasFusedBlocks({.attention = {"multi_head"}}, at::kCUDA));
}

}  // namespace
}  // namespace rondo
