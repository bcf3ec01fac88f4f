#include "common/model/attention.h"

#include <array>
#include <cmath>

#include <torch/torch.h>

namespace rondo {
namespace {

/// Source  Vaswani et al. 2017, eq. 1.
at::Tensor ScaledDot(const at::Tensor& query,
                     const at::Tensor& key,
                     const at::Tensor&,
                     const at::Tensor& bias) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(query.size(2)));
  return torch::baddbmm(bias, query, key.transpose(1, 2), 1.0, scale);
}

/// Source  Luong et al. 2015, "dot".
at::Tensor PlainDot(const at::Tensor& query,
                    const at::Tensor& key,
                    const at::Tensor&,
                    const at::Tensor& bias) {
  return torch::baddbmm(bias, query, key.transpose(1, 2));
}

/// v^T tanh(q_i + k_j), with v = weight [G, H, F].
/// Source  Bahdanau et al. 2015, with query and key projections taken from the block.
at::Tensor Additive(const at::Tensor& query,
                    const at::Tensor& key,
                    const at::Tensor& weight,
                    const at::Tensor& bias) {
  const std::int64_t batch = query.size(0) / (weight.size(0) * weight.size(1));
  const at::Tensor vectors = weight.unsqueeze(1)
                                 .expand({weight.size(0), batch, weight.size(1), weight.size(2)})
                                 .reshape({query.size(0), 1, weight.size(2), 1});
  const at::Tensor pairs = torch::tanh(query.unsqueeze(2) + key.unsqueeze(1));
  return torch::matmul(pairs, vectors).squeeze(-1) + bias;
}

/// q_i^T W k_j, with W = weight [G, H, F, F].
/// Source  Luong et al. 2015, "general".
at::Tensor Bilinear(const at::Tensor& query,
                    const at::Tensor& key,
                    const at::Tensor& weight,
                    const at::Tensor& bias) {
  const std::int64_t groups = weight.size(0);
  const std::int64_t heads = weight.size(1);
  const std::int64_t length = query.size(1);
  const std::int64_t width = query.size(2);
  const std::int64_t batch = query.size(0) / (groups * heads);
  const at::Tensor moved =
      torch::matmul(query.reshape({groups, batch, heads, length, width}), weight.unsqueeze(1));
  return torch::baddbmm(bias, moved.reshape_as(query), key.transpose(1, 2));
}

/// 0: every event counts the same, which makes attention a mean. Query and key projections stay
/// unused in the layout, so that a run with this word starts from the weights of its twin with
/// another and differs from it in nothing but the shares.
at::Tensor Uniform(const at::Tensor& query,
                   const at::Tensor& key,
                   const at::Tensor&,
                   const at::Tensor& bias) {
  return bias.expand({query.size(0), query.size(1), key.size(1)});
}

const std::array<AttentionKind, 5>& Kinds() {
  static const std::array<AttentionKind, 5> kinds = {{{"multi_head", ScaledDot, ""},
                                                      {"dot", PlainDot, ""},
                                                      {"additive", Additive, "additive.weight"},
                                                      {"bilinear", Bilinear, "bilinear.weight"},
                                                      {"uniform", Uniform, ""}}};
  return kinds;
}

}  // namespace

Result<const AttentionKind*> FindAttention(const std::string& name) {
  for (const AttentionKind& kind : Kinds()) {
    if (kind.name == name) {
      return &kind;
    }
  }
  return Fail(ErrorCode::kInvalidArgument,
              "model.attention '" + name
                  + "' is unknown: use multi_head, dot, additive, bilinear or uniform");
}

}  // namespace rondo
