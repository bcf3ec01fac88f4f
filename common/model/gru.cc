#include <torch/torch.h>

#include "common/model/encoder_pass.h"

namespace rondo {
namespace {

/// One layer over all events, oldest first. A state before the first event is 0.
///
///   r = sigmoid(W_r x + U_r h),  z = sigmoid(W_z x + U_z h),  n = tanh(W_n x + r * (U_n h))
///   h' = (1 - z) n + z h
///
/// Each product has a bias of its own. Shapes  x, result [G, B L, width]; rows of the weights are
/// those of r, z, n.
/// Source  Cho et al. 2014, with the reset gate after the product as cuDNN and PyTorch have it.
at::Tensor Layer(const EncoderPass& pass, const BlockWeights& weights, const at::Tensor& x) {
  const std::int64_t width = x.size(2);
  const std::int64_t groups = pass.groups();
  const std::int64_t batch = pass.batch();
  const std::int64_t length = pass.length();
  const at::ScalarType products = pass.in().products;
  const at::Tensor inputs =
      Linear(x, weights.input, products).view({groups, batch, length, 3 * width});
  const at::Tensor keep = pass.keep().view({groups, batch, length, 1});
  at::Tensor state = torch::zeros({groups, batch, width}, x.options());
  std::vector<at::Tensor> states;
  states.reserve(static_cast<std::size_t>(length));
  for (std::int64_t t = 0; t < length; ++t) {
    const at::Tensor from_input = inputs.select(2, t);
    const at::Tensor from_state = Linear(state, weights.hidden, products);
    const at::Tensor gates =
        torch::sigmoid(from_input.narrow(2, 0, 2 * width) + from_state.narrow(2, 0, 2 * width));
    const at::Tensor next =
        torch::tanh(from_input.narrow(2, 2 * width, width)
                    + gates.narrow(2, 0, width) * from_state.narrow(2, 2 * width, width));
    const at::Tensor update = gates.narrow(2, width, width);
    state = (next + update * (state - next)) * keep.select(2, t);
    states.push_back(state);
  }
  return torch::stack(states, 2).view({groups, batch * length, width});
}

}  // namespace

at::Tensor EncodeByGru(const ModelConfig& config,
                       const EncoderWeights& weights,
                       const EncoderInput& in) {
  EncoderPass pass(config, in);
  at::Tensor x = pass.Embed(weights);
  for (const BlockWeights& layer : weights.blocks) {
    x = pass.Dropout(Layer(pass, layer, x));
  }
  return Norm(x, weights.norm);
}

}  // namespace rondo
