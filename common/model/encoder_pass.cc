#include "common/model/encoder_pass.h"

#include <cmath>

#include <torch/torch.h>

#include "common/model/dropout.h"
#include "common/model/tensor_dropout.h"

namespace rondo {
namespace {

constexpr double kNormEpsilon = 1e-8;

}  // namespace

at::Tensor Linear(const at::Tensor& x, const AffineWeights& weights, at::ScalarType products) {
  if (products == at::kFloat) {
    return torch::baddbmm(weights.bias.unsqueeze(1), x, weights.weight.transpose(1, 2));
  }
  return torch::bmm(x.to(products), weights.weight.to(products).transpose(1, 2)).to(at::kFloat)
         + weights.bias.unsqueeze(1);
}

at::Tensor Norm(const at::Tensor& x, const AffineWeights& weights) {
  const std::vector<std::int64_t> shape = {x.size(-1)};
  if (weights.weight.size(0) == 1) {
    return torch::layer_norm(x, shape, weights.weight[0], weights.bias[0], kNormEpsilon);
  }
  const at::Tensor normal = torch::layer_norm(x, shape, {}, {}, kNormEpsilon);
  return torch::addcmul(weights.bias.unsqueeze(1), normal, weights.weight.unsqueeze(1));
}

EncoderPass::EncoderPass(const ModelConfig& config, const EncoderInput& in)
    : config_(config),
      in_(in),
      keep_((in.input != 0).to(at::kFloat).view({in.input.size(0), -1, 1})) {}

at::Tensor EncoderPass::Embed(const EncoderWeights& weights) {
  const double scale = std::sqrt(static_cast<double>(config_.width));
  at::Tensor x = GatherGroupRows(weights.item, in_.input.view({groups(), -1})) * scale;
  if (weights.position.defined()) {
    const std::int64_t history = weights.position.size(1);
    const at::Tensor place = weights.position.narrow(1, history - length(), length()).unsqueeze(1);
    x = (x.view({groups(), batch(), length(), -1}) + place).view(x.sizes());
  }
  // Not a product: 0 times NaN, in a row that only padding looks at, would spread.
  return Dropout(x).masked_fill(keep_ == 0.0, 0.0);
}

at::Tensor EncoderPass::Dropout(const at::Tensor& x) {
  if (in_.dropout <= 0.0) {
    return x;
  }
  return x
         * Mask({in_.dropout_key.begin(), in_.dropout_key.end()}, length(), x.size(2))
               .view(x.sizes());
}

at::Tensor EncoderPass::ShareMask(std::int64_t rows, std::int64_t columns) {
  if (in_.dropout <= 0.0) {
    return {};
  }
  std::vector<std::uint64_t> keys;
  keys.reserve(in_.dropout_key.size() * static_cast<std::size_t>(config_.heads));
  for (const std::uint64_t key : in_.dropout_key) {
    for (int head = 0; head < config_.heads; ++head) {
      keys.push_back(HeadDropoutKey(key, head));
    }
  }
  return Mask(keys, rows, columns);
}

at::Tensor EncoderPass::SplitHeads(const at::Tensor& x) const {
  const std::int64_t heads = config_.heads;
  const std::int64_t width = x.size(2) / heads;
  if (heads == 1) {
    return x.view({groups() * batch(), length(), width});
  }
  return x.view({groups() * batch(), length(), heads, width})
      .transpose(1, 2)
      .reshape({groups() * batch() * heads, length(), width});
}

at::Tensor EncoderPass::JoinHeads(const at::Tensor& x) const {
  const std::int64_t heads = config_.heads;
  const std::int64_t width = x.size(2);
  if (heads == 1) {
    return x.reshape({groups(), batch() * length(), width});
  }
  return x.reshape({groups() * batch(), heads, length(), width})
      .transpose(1, 2)
      .reshape({groups(), batch() * length(), heads * width});
}

at::Tensor EncoderPass::Mask(const std::vector<std::uint64_t>& keys,
                             std::int64_t rows,
                             std::int64_t width) {
  const DropoutSite here{.site = site_++, .probability = in_.dropout};
  if (!keep_.is_cpu()) {
    return TensorDropoutMask(keys, rows, width, here, keep_.device());
  }
  at::Tensor mask = at::empty({static_cast<std::int64_t>(keys.size()), rows, width}, at::kFloat);
  FillDropoutMask(
      keys, rows, width, here, {mask.data_ptr<float>(), static_cast<std::size_t>(mask.numel())});
  return mask;
}

}  // namespace rondo
