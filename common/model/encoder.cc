#include "common/model/encoder.h"

#include <algorithm>
#include <cmath>

#include <torch/torch.h>

#include "common/model/dropout.h"
#include "common/model/fused_step.h"
#include "common/model/fusion.h"
#include "common/model/tensor_dropout.h"

namespace rondo {
namespace {

constexpr double kNormEpsilon = 1e-8;
constexpr double kMasked = -1e9;

class RowGather : public torch::autograd::Function<RowGather> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context,
                            const at::Tensor& table,
                            const at::Tensor& index) {
    context->saved_data["rows"] = table.size(0);
    context->save_for_backward({index});
    return table.index_select(0, index);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const at::Tensor index = context->get_saved_variables()[0];
    const at::Tensor gradient = gradients[0].contiguous();
    const std::int64_t width = gradient.size(1);
    at::Tensor out = at::zeros({context->saved_data["rows"].toInt(), width}, gradient.options());
    if (gradient.is_cuda() || gradient.scalar_type() != at::kFloat) {
      out.index_put_({index}, gradient, true);  // Sorts: index_add_ would add in any order.
      return {out, at::Tensor()};
    }
    const std::int64_t* rows = index.data_ptr<std::int64_t>();
    const float* from = gradient.data_ptr<float>();
    float* to = out.data_ptr<float>();
    for (std::int64_t i = 0; i < index.numel(); ++i, from += width) {
      float* const row = to + rows[i] * width;
      for (std::int64_t d = 0; d < width; ++d) {
        row[d] += from[d];
      }
    }
    return {out, at::Tensor()};
  }
};

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

/// What all blocks of one pass share.
struct Pass {
  const ModelConfig& config;
  const EncoderInput& in;
  std::int64_t groups;
  std::int64_t batch;
  std::int64_t length;
  at::Tensor keep;        // [G, B L, 1] 0 at padding
  at::Tensor score_bias;  // [N or G B, L, L] -1e9 where a query must not look
  std::uint32_t site = 0;

  at::Tensor Mask(const std::vector<std::uint64_t>& keys,
                  std::int64_t rows,
                  std::int64_t width,
                  const at::Tensor& like) {
    const DropoutSite here{.site = site++, .probability = in.dropout};
    if (!like.is_cpu()) {
      return TensorDropoutMask(keys, rows, width, here, like.device()).view(like.sizes());
    }
    at::Tensor mask = at::empty({static_cast<std::int64_t>(keys.size()), rows, width}, at::kFloat);
    FillDropoutMask(
        keys, rows, width, here, {mask.data_ptr<float>(), static_cast<std::size_t>(mask.numel())});
    return mask.view(like.sizes());
  }

  at::Tensor Dropout(const at::Tensor& x) {  // [G, B L, width]
    if (in.dropout <= 0.0) {
      return x;
    }
    return x * Mask({in.dropout_key.begin(), in.dropout_key.end()}, length, x.size(2), x);
  }

  at::Tensor AttentionDropout(const at::Tensor& shares) {  // [G B H, L, L]
    if (in.dropout <= 0.0) {
      return shares;
    }
    std::vector<std::uint64_t> keys;
    for (const std::uint64_t key : in.dropout_key) {
      for (int head = 0; head < config.heads; ++head) {
        keys.push_back(HeadDropoutKey(key, head));
      }
    }
    return shares * Mask(keys, length, length, shares);
  }

  at::Tensor SplitHeads(const at::Tensor& x) const {  // [G, B L, width] -> [G B H, L, F]
    const std::int64_t heads = config.heads;
    const std::int64_t width = x.size(2) / heads;
    if (heads == 1) {
      return x.view({groups * batch, length, width});
    }
    return x.view({groups * batch, length, heads, width})
        .transpose(1, 2)
        .reshape({groups * batch * heads, length, width});
  }

  at::Tensor JoinHeads(const at::Tensor& x) const {
    const std::int64_t heads = config.heads;
    const std::int64_t width = x.size(2);
    if (heads == 1) {
      return x.view({groups, batch * length, width});
    }
    return x.view({groups * batch, heads, length, width})
        .transpose(1, 2)
        .reshape({groups, batch * length, heads * width});
  }
};

at::Tensor ScoreBias(const ModelConfig& config, const at::Tensor& input) {
  const std::int64_t length = input.size(2);
  at::Tensor bias = (input == 0).to(at::kFloat).view({-1, 1, length}) * kMasked;
  bias = bias.expand({bias.size(0), length, length});
  if (config.causal) {
    bias = bias + torch::full({length, length}, kMasked, bias.options()).triu(1);
  }
  if (config.heads > 1) {
    bias = bias.unsqueeze(1).expand({bias.size(0), config.heads, length, length});
  }
  return bias.reshape({-1, length, length});
}

at::Tensor Embed(Pass& pass, const EncoderWeights& weights) {
  const double scale = std::sqrt(static_cast<double>(pass.config.width));
  at::Tensor x = GatherGroupRows(weights.item, pass.in.input.view({pass.groups, -1})) * scale;
  if (weights.position.defined()) {
    const std::int64_t history = weights.position.size(1);
    const at::Tensor place =
        weights.position.narrow(1, history - pass.length, pass.length).unsqueeze(1);
    x = (x.view({pass.groups, pass.batch, pass.length, -1}) + place).view(x.sizes());
  }
  // Not a product: 0 times NaN, in a row that only padding looks at, would spread.
  return pass.Dropout(x).masked_fill(pass.keep == 0.0, 0.0);
}

at::Tensor Block(Pass& pass, const BlockWeights& weights, const at::Tensor& x) {
  const at::Tensor h = Norm(x, weights.norm1);
  const at::ScalarType products = pass.in.products;
  const auto heads = [&](const AffineWeights& projection) {
    return pass.SplitHeads(Linear(h, projection, products)).to(products);
  };
  const at::Tensor query = heads(weights.query);
  const at::Tensor key = heads(weights.key);
  const at::Tensor value = heads(weights.value);
  const at::Tensor score = weights.score.defined() ? weights.score.to(products) : weights.score;
  const at::Tensor scores = weights.kind->score(query, key, score, pass.score_bias.to(products));
  const at::Tensor shares = pass.AttentionDropout(torch::softmax(scores.to(at::kFloat), -1));
  const at::Tensor mixed = pass.JoinHeads(torch::bmm(shares.to(products), value).to(at::kFloat));
  const at::Tensor y = x + pass.Dropout(Linear(mixed, weights.output, products));
  const at::Tensor inner =
      pass.Dropout(torch::relu(Linear(Norm(y, weights.norm2), weights.ff1, products)));
  return (y + pass.Dropout(Linear(inner, weights.ff2, products))) * pass.keep;
}

}  // namespace

Result<EncoderWeights> BindWeights(const ModelConfig& config,
                                   const ParameterLayout& layout,
                                   const std::vector<at::Tensor>& tensors) {
  std::string missing;
  const auto find = [&](const std::string& name) {
    for (std::size_t i = 0; i < layout.entries().size(); ++i) {
      if (layout.entries()[i].name == name) {
        return tensors[i];
      }
    }
    missing = name;
    return at::Tensor();
  };
  const auto affine = [&](const std::string& name) {
    return AffineWeights{find(name + ".weight"), find(name + ".bias")};
  };
  EncoderWeights weights;
  weights.item = find("item.weight");
  if (!config.features.empty()) {
    RONDO_TRY(weights.fusion_kind, FindFusion(config.fusion));
    weights.feature = find("feature.weight");
    weights.fusion = weights.fusion_kind->weighted ? affine("fusion") : AffineWeights{};
  }
  if (config.positions) {
    weights.position = find("position.weight");
  }
  for (int b = 0; b < config.blocks; ++b) {
    const std::string prefix = "blocks." + std::to_string(b) + ".";
    BlockWeights block;
    const std::size_t last = config.attention.size() - 1;
    RONDO_TRY(block.kind,
              FindAttention(config.attention[std::min(static_cast<std::size_t>(b), last)]));
    block.norm1 = affine(prefix + "norm1");
    block.query = affine(prefix + "query");
    block.key = affine(prefix + "key");
    block.value = affine(prefix + "value");
    block.output = affine(prefix + "output");
    if (!block.kind->weight_name.empty()) {
      block.score = find(prefix + block.kind->weight_name);
    }
    block.norm2 = affine(prefix + "norm2");
    block.ff1 = affine(prefix + "ff1");
    block.ff2 = affine(prefix + "ff2");
    weights.blocks.push_back(std::move(block));
  }
  weights.norm = affine("norm");
  if (!missing.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "the layout has no tensor '" + missing + "' that the model needs");
  }
  return weights;
}

at::Tensor Encode(const ModelConfig& config,
                  const EncoderWeights& weights,
                  const EncoderInput& in) {
  Pass pass{.config = config,
            .in = in,
            .groups = in.input.size(0),
            .batch = in.input.size(1),
            .length = in.input.size(2),
            .keep = (in.input != 0).to(at::kFloat).view({in.input.size(0), -1, 1}),
            .score_bias = ScoreBias(config, in.input)};
  at::Tensor x = Embed(pass, weights);
  for (const BlockWeights& block : weights.blocks) {
    x = Block(pass, block, x);
  }
  return Norm(x, weights.norm);
}

at::Tensor EncodeAt(const ModelConfig& config,
                    const EncoderWeights& weights,
                    const EncoderInput& in,
                    const at::Tensor& place) {
  if (!at::GradMode::is_enabled() && HasFusedStep(config, in.input.device())) {
    return FusedEncodeAt(config, weights, in, place);
  }
  return GatherRows(Encode(config, weights, in).view({-1, config.width}), place);
}

at::Tensor GatherRows(const at::Tensor& table, const at::Tensor& index) {
  return RowGather::apply(table, index);
}

at::Tensor GatherGroupRows(const at::Tensor& source, const at::Tensor& index) {
  const std::int64_t groups = source.size(0);
  const at::Tensor offset =
      torch::arange(groups, index.options()).mul_(source.size(1)).unsqueeze(1);
  const at::Tensor flat = (index + offset).view({-1});
  return GatherRows(source.reshape({groups * source.size(1), -1}), flat)
      .view({groups, index.size(1), -1});
}

}  // namespace rondo
