#include "common/model/losses.h"

#include <algorithm>
#include <cmath>

#include <torch/torch.h>

#include "common/model/encoder.h"
#include "common/model/row_math.h"

namespace rondo {
namespace {

// Numbers of a block of logits: small enough for a core's cache, large enough for sgemm.
constexpr std::int64_t kLogitsAtOnce = 1 << 18;

/// Replaces logits [positions, rows] by d objective / d logits and returns the losses [positions].
at::Tensor CrossEntropyInPlace(at::Tensor& logits,
                               const at::Tensor& chosen,
                               const at::Tensor& factor) {
  if (logits.is_cpu()) {
    const std::int64_t rows = logits.size(1);
    at::Tensor each = at::empty_like(factor);
    for (std::int64_t i = 0; i < logits.size(0); ++i) {
      each.data_ptr<float>()[i] = CrossEntropyRow(logits.data_ptr<float>() + i * rows,
                                                  rows,
                                                  chosen.data_ptr<std::int64_t>()[i],
                                                  factor.data_ptr<float>()[i]);
    }
    return each;
  }
  const at::Tensor column = chosen.unsqueeze(1);
  const at::Tensor score = logits.gather(1, column);
  const at::Tensor highest = logits.amax({1}, true);
  const at::Tensor total = logits.sub_(highest).exp_().sum(1, true);
  logits.mul_(factor.unsqueeze(1) / total).scatter_add_(1, column, -factor.unsqueeze(1));
  return (total.log() + highest - score).squeeze(1);
}

/// Cross entropy over rows 1 .. of the item table, block of positions by block of positions. The
/// gradient is taken along with the loss while a block is in the cache, so memory does not grow
/// with positions x items.
class BlockwiseCrossEntropy : public torch::autograd::Function<BlockwiseCrossEntropy> {
 public:
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
                                                const at::Tensor& hidden,
                                                const at::Tensor& item,
                                                const at::Tensor& target,
                                                const at::Tensor& coefficient) {
    const std::int64_t positions = hidden.size(1);
    const std::int64_t rows = item.size(1) - 1;
    const std::int64_t block = std::clamp<std::int64_t>(kLogitsAtOnce / rows, 16, 4096);
    at::Tensor each = at::empty_like(coefficient);
    at::Tensor to_hidden = at::empty_like(hidden, at::MemoryFormat::Contiguous);
    at::Tensor to_item = at::zeros_like(item, at::MemoryFormat::Contiguous);
    at::Tensor buffer = at::empty({std::min(block, positions), rows}, hidden.options());
    for (std::int64_t group = 0; group < hidden.size(0); ++group) {
      const at::Tensor table = item[group].narrow(0, 1, rows);
      at::Tensor to_table = to_item[group].narrow(0, 1, rows);
      for (std::int64_t begin = 0; begin < positions; begin += block) {
        const std::int64_t count = std::min(block, positions - begin);
        const auto cut = [&](const at::Tensor& t) {
          return t[group].narrow(0, begin, count);
        };
        at::Tensor logits = buffer.narrow(0, 0, count);
        at::mm_out(logits, cut(hidden), table.t());
        cut(each).copy_(CrossEntropyInPlace(logits, cut(target).sub(1), cut(coefficient)));
        at::Tensor state = cut(to_hidden);
        at::mm_out(state, logits, table);
        to_table.addmm_(logits.t(), cut(hidden));
      }
    }
    context->save_for_backward({to_hidden, to_item});
    context->mark_non_differentiable({each});
    return {each, (each * coefficient).sum()};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    return {saved[0] * gradients[1], saved[1] * gradients[1], at::Tensor(), at::Tensor()};
  }
};

LossOutput FullSoftmax(const LossInput& in) {
  const auto out = BlockwiseCrossEntropy::apply(in.hidden, in.item, in.target, in.coefficient);
  return {.each = out[0], .objective = out[1]};
}

LossOutput Weighted(const at::Tensor& each, const LossInput& in) {
  return {.each = each.detach(), .objective = (each * in.coefficient).sum()};
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
LossOutput SampledSoftmax(const LossInput& in) {
  const auto [target, negatives] = SampledScores(in);
  const double log_q =
      std::log(static_cast<double>(in.negatives.size(2)) / static_cast<double>(in.items));
  const at::Tensor scores = torch::cat({target.unsqueeze(2), negatives - log_q}, 2);
  return Weighted(torch::logsumexp(scores, 2) - target, in);
}

/// Binary cross entropy of the target against each negative.
LossOutput BinaryCrossEntropy(const LossInput& in) {
  const auto [target, negatives] = SampledScores(in);
  return Weighted(torch::softplus(-target) + torch::softplus(negatives).sum(-1), in);
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
