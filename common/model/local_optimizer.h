#pragma once

#include <cstddef>
#include <vector>

#include "common/federated/task.h"
#include "common/model/tensor_run.h"

namespace rondo {

/// The local optimiser of all groups of a pack: SGD or Adam, with proximal term, gradient clip and
/// weight decay as the task asks. FedDyn's pull to the start is a proximal term.
class LocalOptimizer {
 public:
  /// `weights` [G, ...] are those before the first step; they are the ones that Step moves, but for
  /// the `frozen` parts. `correction`, as long as they all, is added to every gradient after its
  /// clip; undefined: nothing.
  LocalOptimizer(const TrainTask& task,
                 TensorRun weights,
                 at::Tensor correction,
                 std::vector<std::size_t> frozen);

  /// `gradients` lie as the weights do, and are used up. `active` [G] is 1 for groups that take
  /// this step, and undefined if all do.
  void Step(TensorRun& gradients, const at::Tensor& active);

 private:
  void Clip(TensorRun& gradients) const;
  void AdamMove(at::Tensor& gradient);

  const ClientConfig& client_;
  double mu_;
  TensorRun weights_;
  at::Tensor correction_;  // flat
  std::vector<std::size_t> frozen_;
  at::Tensor start_;  // flat; undefined without proximal term
  int steps_ = 0;
  at::Tensor first_;  // moments of Adam, flat
  at::Tensor second_;
};

}  // namespace rondo
