#include "common/model/tensor_run.h"

#include <torch/torch.h>

namespace rondo {

TensorRun EmptyRun(const std::vector<at::Tensor>& like) {
  std::int64_t count = 0;
  for (const at::Tensor& tensor : like) {
    count += tensor.numel();
  }
  TensorRun run{.flat = at::empty({count}, like[0].options()), .parts = {}};
  std::int64_t begin = 0;
  for (const at::Tensor& tensor : like) {
    run.parts.push_back(run.flat.narrow(0, begin, tensor.numel()).view(tensor.sizes()));
    begin += tensor.numel();
  }
  return run;
}

at::Tensor Spread(const at::Tensor& per_group, std::int64_t dimensions) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(dimensions), 1);
  shape[0] = -1;
  return per_group.view(shape);
}

}  // namespace rondo
