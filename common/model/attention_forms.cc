#include "common/model/attention_forms.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include <torch/torch.h>

#include "common/model/encoder_pass.h"

namespace rondo {
namespace {

constexpr double kLeftOut = -1e9;

at::Tensor KeepHighest(const ModelConfig& config, const at::Tensor& scores) {
  const std::int64_t kept = config.top_k;
  if (kept >= scores.size(2)) {
    return scores;
  }
  const at::Tensor highest = std::get<0>(scores.detach().topk(kept, 2));
  return scores.masked_fill(scores.detach() < highest.narrow(2, kept - 1, 1), kLeftOut);
}

at::Tensor Gate(const at::Tensor& state,
                const at::Tensor& mixed,
                const AffineWeights& weights,
                at::ScalarType products) {
  return torch::sigmoid(Linear(state, weights, products)) * mixed;
}

/// Shapes  weight [G, H, distances].
at::Tensor DistanceBias(const AttentionPlane& plane, const AffineWeights& weights) {
  const std::int64_t groups = weights.weight.size(0);
  const std::int64_t queries = plane.distance.size(0);
  const std::int64_t keys = plane.distance.size(1);
  const at::Tensor index = plane.distance.reshape({1, -1}).expand({groups, queries * keys});
  return GatherGroupRows(weights.weight.transpose(1, 2), index)
      .view({groups, queries, keys, -1})
      .permute({0, 3, 1, 2})
      .unsqueeze(1);
}

}  // namespace

Result<const AttentionForm*> FindForm(const std::string& name) {
  static const std::vector<AttentionForm> forms = {
      {.name = "window", .weight_name = ""},
      {.name = "top_k", .weight_name = "", .choose = KeepHighest},
      {.name = "gated", .weight_name = "gate", .has_bias = true, .gate = Gate},
      {.name = "relative", .weight_name = "relative", .bias = DistanceBias},
  };
  const auto found = std::find_if(
      forms.begin(), forms.end(), [&](const AttentionForm& form) { return form.name == name; });
  if (found == forms.end()) {
    return Fail(ErrorCode::kInvalidArgument,
                "model.forms '" + name + "' is unknown: use window, top_k, gated or relative");
  }
  return &*found;
}

}  // namespace rondo
