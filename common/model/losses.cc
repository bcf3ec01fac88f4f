#include "common/model/losses.h"

#include <algorithm>
#include <cmath>

#include <torch/torch.h>

#include "common/model/encoder.h"

namespace rondo {
namespace {

// Numbers of the item rows that a block of targets gathers.
constexpr std::int64_t kRowsAtOnce = 1 << 22;

/// Replaces logits [positions, rows] by d objective / d logits and returns the losses [positions].
at::Tensor CrossEntropyInPlace(at::Tensor& logits,
                               const at::Tensor& chosen,
                               const at::Tensor& factor) {
  const at::Tensor column = chosen.unsqueeze(1);
  const at::Tensor score = logits.gather(1, column);
  const at::Tensor highest = logits.amax({1}, true);
  const at::Tensor total = logits.sub_(highest).exp_().sum(1, true);
  logits.mul_(factor.unsqueeze(1) / total).scatter_add_(1, column, -factor.unsqueeze(1));
  return (total.log() + highest - score).squeeze(1);
}

/// out = a b, in float32 whatever the factors are rounded to.
void Product(const at::Tensor& a, const at::Tensor& b, at::Tensor& out) {
  if (a.scalar_type() == at::kFloat) {
    at::mm_out(out, a, b);
  } else {
    out.copy_(at::mm(a, b));
  }
}

/// out += a b.
void AddProduct(const at::Tensor& a, const at::Tensor& b, at::Tensor& out) {
  if (a.scalar_type() == at::kFloat) {
    out.addmm_(a, b);
  } else {
    out.add_(at::mm(a, b));
  }
}

/// Ends the way forward of a loss that has taken its gradient already: losses and objective.
torch::autograd::variable_list Keep(torch::autograd::AutogradContext* context,
                                    const at::Tensor& to_hidden,
                                    const at::Tensor& to_item,
                                    const at::Tensor& each,
                                    const at::Tensor& coefficient) {
  context->save_for_backward({to_hidden, to_item});
  context->mark_non_differentiable({each});
  return {each, (each * coefficient).sum()};
}

/// The way back of such a loss: hidden states and items are the first of its `arguments`.
torch::autograd::variable_list KeptGradients(torch::autograd::AutogradContext* context,
                                             const at::Tensor& to_objective,
                                             std::size_t arguments) {
  torch::autograd::variable_list gradients = context->get_saved_variables();
  for (at::Tensor& gradient : gradients) {
    gradient = gradient * to_objective;
  }
  gradients.resize(arguments);
  return gradients;
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
                                                const at::Tensor& coefficient,
                                                at::ScalarType products) {
    const std::int64_t positions = hidden.size(1);
    const std::int64_t rows = item.size(1) - 1;
    const std::int64_t block = std::clamp<std::int64_t>(kLogitsAtOnce / rows, 16, 4096);
    at::Tensor each = at::empty_like(coefficient);
    at::Tensor to_hidden = at::empty_like(hidden, at::MemoryFormat::Contiguous);
    at::Tensor to_item = at::zeros_like(item, at::MemoryFormat::Contiguous);
    at::Tensor buffer = at::empty({std::min(block, positions), rows}, hidden.options());
    for (std::int64_t group = 0; group < hidden.size(0); ++group) {
      const at::Tensor table = item[group].narrow(0, 1, rows).to(products);
      at::Tensor to_table = to_item[group].narrow(0, 1, rows);
      for (std::int64_t begin = 0; begin < positions; begin += block) {
        const std::int64_t count = std::min(block, positions - begin);
        const auto cut = [&](const at::Tensor& t) {
          return t[group].narrow(0, begin, count);
        };
        const at::Tensor state = cut(hidden).to(products);
        at::Tensor logits = buffer.narrow(0, 0, count);
        Product(state, table.t(), logits);
        cut(each).copy_(CrossEntropyInPlace(logits, cut(target).sub(1), cut(coefficient)));
        const at::Tensor back = logits.to(products);
        at::Tensor to_state = cut(to_hidden);
        Product(back, table, to_state);
        AddProduct(back.t(), state, to_table);
      }
    }
    return Keep(context, to_hidden, to_item, each, coefficient);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    return KeptGradients(context, gradients[1], 5);
  }
};

LossOutput FullSoftmax(const LossInput& in) {
  const auto out =
      BlockwiseCrossEntropy::apply(in.hidden, in.item, in.target, in.coefficient, in.products);
  return {.each = out[0], .objective = out[1]};
}

/// A sampled loss, block of targets by block of targets, since the rows of all candidates together
/// take K times the room of the states. The gradient is taken on the way.
class BlockwiseSampled : public torch::autograd::Function<BlockwiseSampled> {
 public:
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
                                                const at::Tensor& hidden,
                                                const at::Tensor& item,
                                                const at::Tensor& candidates,
                                                const at::Tensor& coefficient,
                                                const SampledShape& shape,
                                                ScoreLoss loss) {
    const std::int64_t a_slot = hidden.size(0) * candidates.size(2) * hidden.size(2);
    const std::int64_t block = std::max<std::int64_t>(1, kRowsAtOnce / a_slot);
    at::Tensor each = at::empty_like(coefficient);
    at::Tensor to_hidden = at::empty_like(hidden, at::MemoryFormat::Contiguous);
    at::Tensor to_item = at::zeros_like(item, at::MemoryFormat::Contiguous);
    for (std::int64_t begin = 0; begin < hidden.size(1); begin += block) {
      const std::int64_t count = std::min(block, hidden.size(1) - begin);
      const auto cut = [&](const at::Tensor& t) {
        return t.detach().narrow(1, begin, count);
      };
      const at::AutoGradMode differentiate(true);
      const at::Tensor state = cut(hidden).requires_grad_(true);
      const at::Tensor table = item.detach().requires_grad_(true);
      const at::Tensor index = cut(candidates).reshape({hidden.size(0), -1});
      const at::Tensor rows =
          GatherGroupRows(table, index).view({hidden.size(0), count, candidates.size(2), -1});
      const at::Tensor losses = loss((state.unsqueeze(2) * rows).sum(-1), shape);
      const auto gradients =
          torch::autograd::grad({(losses * cut(coefficient)).sum()}, {state, table});
      const at::NoGradGuard no_gradient;
      cut(each).copy_(losses);
      cut(to_hidden).copy_(gradients[0]);
      to_item.add_(gradients[1]);
    }
    return Keep(context, to_hidden, to_item, each, coefficient);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    return KeptGradients(context, gradients[1], 6);
  }
};

LossOutput Sampled(const LossInput& in, ScoreLoss loss) {
  const at::Tensor candidates = torch::cat({in.target.unsqueeze(2), in.negatives}, 2);
  const auto out =
      BlockwiseSampled::apply(in.hidden, in.item, candidates, in.coefficient, in.shape, loss);
  return {.each = out[0], .objective = out[1]};
}

at::Tensor Negatives(const at::Tensor& scores) {
  return scores.narrow(2, 1, scores.size(2) - 1);
}

at::Tensor SampledSoftmax(const at::Tensor& scores, const SampledShape& shape) {
  const double log_q =
      std::log(static_cast<double>(scores.size(2) - 1) / static_cast<double>(shape.items));
  const at::Tensor target = scores.narrow(2, 0, 1);
  return torch::logsumexp(torch::cat({target, Negatives(scores) - log_q}, 2), 2)
         - target.squeeze(2);
}

at::Tensor BinaryCrossEntropy(const at::Tensor& scores, const SampledShape&) {
  return torch::softplus(-scores.select(2, 0)) + torch::softplus(Negatives(scores)).sum(-1);
}

at::Tensor PairwiseRanking(const at::Tensor& scores, const SampledShape&) {
  return torch::softplus(Negatives(scores) - scores.narrow(2, 0, 1)).sum(-1);
}

at::Tensor CalibratedCrossEntropy(const at::Tensor& scores, const SampledShape& shape) {
  return torch::softplus(-scores.select(2, 0)) * shape.TargetFactor(scores.size(2) - 1)
         + torch::softplus(Negatives(scores)).sum(-1);
}

template <ScoreLoss kLoss>
LossOutput OfStates(const LossInput& in) {
  return Sampled(in, kLoss);
}

}  // namespace

Result<const LossKind*> FindLoss(const std::string& name) {
  static const std::vector<LossKind> kinds = {
      {"softmax", &FullSoftmax, &FullSoftmaxRows},
      {"sampled_softmax", &OfStates<SampledSoftmax>, &SampledSoftmaxRows, &SampledSoftmax},
      {"bce", &OfStates<BinaryCrossEntropy>, &BinaryCrossEntropyRows, &BinaryCrossEntropy},
      {"bpr", &OfStates<PairwiseRanking>, &PairwiseRankingRows, &PairwiseRanking},
      {"gbce",
       &OfStates<CalibratedCrossEntropy>,
       &CalibratedCrossEntropyRows,
       &CalibratedCrossEntropy},
  };
  const auto found = std::find_if(
      kinds.begin(), kinds.end(), [&](const LossKind& kind) { return kind.name == name; });
  if (found == kinds.end()) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "client.loss '" + name + "' is unknown: use softmax, sampled_softmax, bce, bpr or gbce");
  }
  return &*found;
}

}  // namespace rondo
