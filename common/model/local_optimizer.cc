#include "common/model/local_optimizer.h"

#include <cmath>

#include <torch/torch.h>

#include "common/model/own_vectors.h"

namespace rondo {
LocalOptimizer::LocalOptimizer(const TrainTask& task,
                               TensorRun weights,
                               at::Tensor correction,
                               std::vector<std::size_t> frozen)
    : client_(task.client),
      mu_(task.proximal_mu + task.dynamic_alpha),
      weights_(std::move(weights)),
      correction_(std::move(correction)),
      frozen_(std::move(frozen)) {
  if (mu_ > 0.0) {
    start_ = weights_.flat.clone();
  }
}

void LocalOptimizer::Step(TensorRun& gradients, const at::Tensor& active) {
  ++steps_;
  Freeze(frozen_, gradients.parts);  // so that the clip looks at what moves
  // At the first step weights equal start, so the proximal gradient is zero.
  if (mu_ > 0.0 && steps_ > 1) {
    gradients.flat.add_(weights_.flat - start_, mu_);
  }
  if (client_.gradient_clip > 0.0) {
    Clip(gradients);
  }
  if (correction_.defined()) {
    gradients.flat.add_(correction_);
  }
  if (client_.weight_decay > 0.0) {
    gradients.flat.add_(weights_.flat, client_.weight_decay);
  }
  Freeze(frozen_, gradients.parts);
  if (client_.optimizer == "adam") {
    AdamMove(gradients.flat);
  }
  if (active.defined()) {
    for (at::Tensor& move : gradients.parts) {
      move.mul_(Spread(active, move.dim()));
    }
  }
  weights_.flat.add_(gradients.flat, -client_.learning_rate);
}

void LocalOptimizer::Clip(TensorRun& gradients) const {
  at::Tensor squares = at::zeros({gradients.parts[0].size(0)}, gradients.flat.options());
  for (const at::Tensor& gradient : gradients.parts) {
    squares += gradient.reshape({gradient.size(0), -1}).square().sum(1);
  }
  const at::Tensor factor = (client_.gradient_clip / (squares.sqrt() + 1e-6)).clamp_max(1.0);
  for (at::Tensor& gradient : gradients.parts) {
    gradient.mul_(Spread(factor, gradient.dim()));
  }
}

/// Replaces the gradient by Adam's direction.
/// Source  Kingma and Ba 2015, algorithm 1, with torch.optim.Adam's defaults.
void LocalOptimizer::AdamMove(at::Tensor& gradient) {
  constexpr double kBeta1 = 0.9;
  constexpr double kBeta2 = 0.999;
  if (!first_.defined()) {
    first_ = at::zeros_like(gradient);
    second_ = at::zeros_like(gradient);
  }
  first_.mul_(kBeta1).add_(gradient, 1.0 - kBeta1);
  second_.mul_(kBeta2).addcmul_(gradient, gradient, 1.0 - kBeta2);
  const double correct1 = 1.0 - std::pow(kBeta1, steps_);
  const double correct2 = 1.0 - std::pow(kBeta2, steps_);
  gradient.copy_(second_).sqrt_().div_(std::sqrt(correct2)).add_(1e-8);
  at::div_out(gradient, first_, gradient);
  gradient.div_(correct1);
}

}  // namespace rondo
