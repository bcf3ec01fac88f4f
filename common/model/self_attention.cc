#include <torch/torch.h>

#include "common/model/attention_forms.h"
#include "common/model/attention_plane.h"
#include "common/model/encoder_pass.h"

namespace rondo {
namespace {

/// The attended values before their projection. Shapes  h the normalised states, [G, B L, width].
at::Tensor Attend(EncoderPass& pass,
                  const AttentionPlane& plane,
                  const BlockWeights& weights,
                  const at::Tensor& h) {
  const at::ScalarType products = pass.in().products;
  const auto heads = [&](const AffineWeights& projection) {
    return pass.SplitHeads(Linear(h, projection, products)).to(products);
  };
  const at::Tensor query = plane.Queries(heads(weights.query));
  const at::Tensor key = plane.Keys(heads(weights.key));
  const at::Tensor value = plane.Keys(heads(weights.value));
  at::Tensor mask = plane.mask;
  for (const FormWeights& own : weights.forms) {
    if (own.form->bias != nullptr) {
      const at::Tensor bias = own.form->bias(plane, own.weights);
      mask = (mask.reshape({pass.groups(), -1, plane.heads, mask.size(1), mask.size(2)}) + bias)
                 .reshape(mask.sizes());
    }
  }
  const at::Tensor score = weights.score.defined() ? weights.score.to(products) : weights.score;
  at::Tensor scores = weights.kind->score(query, key, score, mask.to(products)).to(at::kFloat);
  for (const FormWeights& own : weights.forms) {
    scores = own.form->choose != nullptr ? own.form->choose(pass.config(), scores) : scores;
  }
  at::Tensor shares = torch::softmax(scores, -1);
  if (const at::Tensor kept = pass.ShareMask(plane.MaskRows(), plane.MaskColumns());
      kept.defined()) {
    shares = shares * plane.CutMask(kept);
  }
  at::Tensor mixed =
      pass.JoinHeads(plane.Join(torch::bmm(shares.to(products), value).to(at::kFloat)));
  for (const FormWeights& own : weights.forms) {
    mixed = own.form->gate != nullptr ? own.form->gate(h, mixed, own.weights, products) : mixed;
  }
  return mixed;
}

}  // namespace

at::Tensor SelfAttentionBlock(EncoderPass& pass,
                              const AttentionPlane& plane,
                              const BlockWeights& weights,
                              const at::Tensor& x) {
  const at::ScalarType products = pass.in().products;
  const at::Tensor mixed = Attend(pass, plane, weights, Norm(x, weights.norm1));
  const at::Tensor y = x + pass.Dropout(Linear(mixed, weights.output, products));
  const at::Tensor inner =
      pass.Dropout(torch::relu(Linear(Norm(y, weights.norm2), weights.ff1, products)));
  return (y + pass.Dropout(Linear(inner, weights.ff2, products))) * pass.keep();
}

at::Tensor EncodeBySelfAttention(const ModelConfig& config,
                                 const EncoderWeights& weights,
                                 const EncoderInput& in) {
  EncoderPass pass(config, in);
  const AttentionPlane plane = PlaneOf(config, in.input);
  at::Tensor x = pass.Embed(weights);
  for (const BlockWeights& block : weights.blocks) {
    x = SelfAttentionBlock(pass, plane, block, x);
  }
  return Norm(x, weights.norm);
}

}  // namespace rondo
