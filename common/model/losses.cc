#include "common/model/losses.h"

#include <cmath>

#include <torch/torch.h>

#include "common/model/encoder.h"

namespace rondo {
namespace {

/// Cross entropy over all items; row 0 takes no part.
at::Tensor FullSoftmax(const LossInput& in) {
  const at::Tensor rows = in.item.narrow(1, 1, in.item.size(1) - 1);
  const at::Tensor logits = torch::bmm(in.hidden, rows.transpose(1, 2));
  const at::Tensor flat = logits.view({-1, logits.size(2)});
  return torch::cross_entropy_loss(flat, (in.target - 1).view({-1}), {}, at::Reduction::None)
      .view(in.target.sizes());
}

/// Scores of the target and of the negatives: [G, P] and [G, P, K].
std::pair<at::Tensor, at::Tensor> SampledScores(const LossInput& in) {
  const std::int64_t groups = in.negatives.size(0);
  const std::int64_t slots = in.negatives.size(1);
  const std::int64_t count = in.negatives.size(2);
  const at::Tensor target = (in.hidden * GatherGroupRows(in.item, in.target)).sum(-1);
  const at::Tensor rows = GatherGroupRows(in.item, in.negatives.view({groups, slots * count}));
  const at::Tensor shaped = rows.view({groups, slots, count, -1});
  return {target, (in.hidden.unsqueeze(2) * shaped).sum(-1)};
}

/// Softmax over the target and K uniform negatives. A negative stands for items / K items, so
/// log(items / K) is added to its score; the target is always there and stands for itself. Source
/// Bengio and Senecal 2008, importance sampling of the partition function.
at::Tensor SampledSoftmax(const LossInput& in) {
  const auto [target, negatives] = SampledScores(in);
  const double log_q =
      std::log(static_cast<double>(in.negatives.size(2)) / static_cast<double>(in.items));
  const at::Tensor scores = torch::cat({target.unsqueeze(2), negatives - log_q}, 2);
  return torch::logsumexp(scores, 2) - target;
}

/// Binary cross entropy of the target against each negative.
at::Tensor BinaryCrossEntropy(const LossInput& in) {
  const auto [target, negatives] = SampledScores(in);
  return torch::softplus(-target) + torch::softplus(negatives).sum(-1);
}

}  // namespace

Result<Loss> FindLoss(const std::string& name) {
  if (name == "softmax") {
    return &FullSoftmax;
  }
  if (name == "sampled_softmax") {
    return &SampledSoftmax;
  }
  if (name == "bce") {
    return &BinaryCrossEntropy;
  }
  return Fail(ErrorCode::kInvalidArgument,
              "client.loss '" + name + "' is unknown: use softmax, sampled_softmax or bce");
}

}  // namespace rondo
