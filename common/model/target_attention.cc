#include <cmath>

#include <torch/torch.h>

#include "common/model/attention_plane.h"
#include "common/model/encoder_pass.h"

namespace rondo {
namespace {

constexpr double kMasked = -1e9;

at::Tensor RunBlocks(EncoderPass& pass, const EncoderWeights& weights) {
  at::Tensor x = pass.Embed(weights);
  if (weights.blocks.size() > 1) {
    const AttentionPlane plane = PlaneOf(pass.config(), pass.in().input);
    for (std::size_t block = 0; block + 1 < weights.blocks.size(); ++block) {
      x = SelfAttentionBlock(pass, plane, weights.blocks[block], x);
    }
  }
  return x;
}

/// The sequences of places, and -1e9 where a place must not look: at padding and at later events.
struct Views {
  at::Tensor sequence;  ///< int64 [G P]
  at::Tensor mask;      ///< [G P H, 1, L]
};

Views ViewsOf(const EncoderPass& pass, const at::Tensor& place) {
  const std::int64_t length = pass.length();
  const std::int64_t heads = pass.config().heads;
  const at::Tensor flat = place.reshape({-1, 1});
  const at::Tensor sequence = torch::div(flat, length, "floor").view({-1});
  const at::Tensor later =
      torch::arange(length, place.options()).unsqueeze(0) > torch::remainder(flat, length);
  const at::Tensor padding = pass.in().input.view({-1, length}).index_select(0, sequence) == 0;
  const at::Tensor mask = torch::logical_or(later, padding).to(at::kFloat) * kMasked;
  return {.sequence = sequence,
          .mask = mask.unsqueeze(1).expand({-1, heads, length}).reshape({-1, 1, length})};
}

/// [rows, count, width] -> [rows H, count, F], and back.
at::Tensor SplitRows(const at::Tensor& x, std::int64_t heads) {
  const std::int64_t head_width = x.size(2) / heads;
  return x.reshape({x.size(0), x.size(1), heads, head_width})
      .transpose(1, 2)
      .reshape({x.size(0) * heads, x.size(1), head_width});
}

at::Tensor JoinRows(const at::Tensor& x, std::int64_t heads) {
  return x.view({-1, heads, x.size(1), x.size(2)})
      .transpose(1, 2)
      .reshape({-1, x.size(1), heads * x.size(2)});
}

}  // namespace

at::Tensor EncodeForTargets(const ModelConfig& config,
                            const EncoderWeights& weights,
                            const EncoderInput& in) {
  EncoderPass pass(config, in);
  return RunBlocks(pass, weights);
}

at::Tensor ScoreByTargetAttention(const ModelConfig& config,
                                  const EncoderWeights& weights,
                                  const EncoderInput& in,
                                  const at::Tensor& place,
                                  const at::Tensor& candidates) {
  const std::int64_t groups = candidates.size(0);
  const std::int64_t slots = candidates.size(1);
  const std::int64_t count = candidates.size(2);
  const std::int64_t heads = config.heads;
  const at::ScalarType products = in.products;
  EncoderPass pass(config, in);
  const BlockWeights& last = weights.blocks.back();
  const at::Tensor history = Norm(RunBlocks(pass, weights), last.norm1);
  const Views views = ViewsOf(pass, place);
  const std::int64_t length = pass.length();
  const auto seen = [&](const AffineWeights& projection) {  // [G P H, L, F]
    const at::Tensor all = Linear(history, projection, products).view({-1, length * config.width});
    return SplitRows(GatherRows(all, views.sequence).view({-1, length, config.width}), heads)
        .to(products);
  };
  const at::Tensor items = GatherGroupRows(weights.item, candidates.reshape({groups, -1}));
  const double scale = std::sqrt(static_cast<double>(config.width));
  const at::Tensor asked = Linear(Norm(items * scale, last.norm1), last.query, products);
  const at::Tensor query =
      SplitRows(asked.view({groups * slots, count, config.width}), heads).to(products);
  const at::Tensor score = last.score.defined() ? last.score.to(products) : last.score;
  const at::Tensor scores =
      last.kind->score(query, seen(last.key), score, views.mask.to(products)).to(at::kFloat);
  const at::Tensor mixed =
      torch::bmm(torch::softmax(scores, -1).to(products), seen(last.value)).to(at::kFloat);
  const at::Tensor user =
      Linear(JoinRows(mixed, heads).view({groups, slots * count, -1}), last.output, products);
  const at::Tensor inner = torch::relu(Linear(Norm(user, last.norm2), last.ff1, products));
  const at::Tensor state = Norm(user + Linear(inner, last.ff2, products), weights.norm);
  return (state * items).sum(-1).view({groups, slots, count});
}

}  // namespace rondo
