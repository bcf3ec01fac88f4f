#include "common/model/encoder.h"

#include <algorithm>

#include <torch/torch.h>

#include "common/model/attention_forms.h"
#include "common/model/encoder_pass.h"
#include "common/model/fused_step.h"
#include "common/model/fusion.h"

namespace rondo {
namespace {

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

const std::vector<EncoderKind>& Encoders() {
  static const std::vector<EncoderKind> kinds = {
      {.name = "self_attention", .encode = EncodeBySelfAttention},
      {.name = "gru", .encode = EncodeByGru},
      {.name = "target_attention", .encode = EncodeForTargets, .score = ScoreByTargetAttention},
  };
  return kinds;
}

/// Gives tensors their places by name, and remembers one that is missing.
class Binding {
 public:
  Binding(const ParameterLayout& layout, const std::vector<at::Tensor>& tensors)
      : layout_(layout),
        tensors_(tensors) {}

  at::Tensor Find(const std::string& name) {
    for (std::size_t i = 0; i < layout_.entries().size(); ++i) {
      if (layout_.entries()[i].name == name) {
        return tensors_[i];
      }
    }
    missing_ = name;
    return {};
  }

  AffineWeights Affine(const std::string& name) {
    return {Find(name + ".weight"), Find(name + ".bias")};
  }

  const std::string& missing() const { return missing_; }

 private:
  const ParameterLayout& layout_;
  const std::vector<at::Tensor>& tensors_;
  std::string missing_;
};

Result<BlockWeights> BindAttention(const ModelConfig& config, std::size_t block, Binding& binding) {
  const std::string prefix = "blocks." + std::to_string(block) + ".";
  BlockWeights weights;
  const std::size_t last = config.attention.size() - 1;
  RONDO_TRY(weights.kind, FindAttention(config.attention[std::min(block, last)]));
  weights.norm1 = binding.Affine(prefix + "norm1");
  weights.query = binding.Affine(prefix + "query");
  weights.key = binding.Affine(prefix + "key");
  weights.value = binding.Affine(prefix + "value");
  weights.output = binding.Affine(prefix + "output");
  if (!weights.kind->weight_name.empty()) {
    weights.score = binding.Find(prefix + weights.kind->weight_name);
  }
  const bool candidates_ask =
      config.encoder == "target_attention" && block + 1 == static_cast<std::size_t>(config.blocks);
  for (const std::string& word : candidates_ask ? std::vector<std::string>() : config.forms) {
    FormWeights own;
    RONDO_TRY(own.form, FindForm(word));
    if (!own.form->weight_name.empty()) {
      own.weights.weight = binding.Find(prefix + own.form->weight_name + ".weight");
    }
    if (own.form->has_bias) {
      own.weights.bias = binding.Find(prefix + own.form->weight_name + ".bias");
    }
    weights.forms.push_back(std::move(own));
  }
  weights.norm2 = binding.Affine(prefix + "norm2");
  weights.ff1 = binding.Affine(prefix + "ff1");
  weights.ff2 = binding.Affine(prefix + "ff2");
  return weights;
}

BlockWeights BindLayer(std::size_t layer, Binding& binding) {
  const std::string prefix = "blocks." + std::to_string(layer) + ".";
  BlockWeights weights;
  weights.input = binding.Affine(prefix + "input");
  weights.hidden = binding.Affine(prefix + "hidden");
  return weights;
}

}  // namespace

Result<EncoderWeights> BindWeights(const ModelConfig& config,
                                   const ParameterLayout& layout,
                                   const std::vector<at::Tensor>& tensors) {
  Binding binding(layout, tensors);
  EncoderWeights weights;
  RONDO_TRY(weights.kind, FindEncoder(config.encoder));
  weights.item = binding.Find("item.weight");
  if (!config.features.empty()) {
    RONDO_TRY(weights.fusion_kind, FindFusion(config.fusion));
    weights.feature = binding.Find("feature.weight");
    weights.fusion = weights.fusion_kind->weighted ? binding.Affine("fusion") : AffineWeights{};
  }
  if (config.positions) {
    weights.position = binding.Find("position.weight");
  }
  for (std::size_t block = 0; block < static_cast<std::size_t>(config.blocks); ++block) {
    if (config.encoder == "gru") {
      weights.blocks.push_back(BindLayer(block, binding));
    } else {
      RONDO_TRY(BlockWeights bound, BindAttention(config, block, binding));
      weights.blocks.push_back(std::move(bound));
    }
  }
  weights.norm = binding.Affine("norm");
  if (!binding.missing().empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "the layout has no tensor '" + binding.missing() + "' that the model needs");
  }
  return weights;
}

Result<const EncoderKind*> FindEncoder(const std::string& name) {
  for (const EncoderKind& kind : Encoders()) {
    if (kind.name == name) {
      return &kind;
    }
  }
  return Fail(
      ErrorCode::kInvalidArgument,
      "model.encoder '" + name + "' is unknown: use self_attention, gru or target_attention");
}

at::Tensor Encode(const ModelConfig& config,
                  const EncoderWeights& weights,
                  const EncoderInput& in) {
  return weights.kind->encode(config, weights, in);
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
