#include "common/model/fused_blocks.h"

#include <algorithm>
#include <cmath>

#include <torch/torch.h>

#include "common/model/gemm.h"

namespace rondo {
namespace {

/// The plan travels from forward to backward inside the graph.
struct PlanHolder : torch::CustomClassHolder {
  explicit PlanHolder(BlocksPlan p) : plan(std::move(p)) {}

  BlocksPlan plan;
};

/// Weights in the order of BlockSlot, block after block, then the final norm.
std::vector<at::Tensor> InOrder(const EncoderWeights& weights) {
  std::vector<at::Tensor> order;
  const auto append = [&](const AffineWeights& part) {
    order.push_back(part.weight.contiguous());
    order.push_back(part.bias.contiguous());
  };
  for (const BlockWeights& block : weights.blocks) {
    for (const AffineWeights* part : {&block.norm1,
                                      &block.query,
                                      &block.key,
                                      &block.value,
                                      &block.output,
                                      &block.norm2,
                                      &block.ff1,
                                      &block.ff2}) {
      append(*part);
    }
  }
  append(weights.norm);
  return order;
}

std::vector<const float*> Pointers(at::TensorList tensors) {
  std::vector<const float*> pointers;
  for (const at::Tensor& tensor : tensors) {
    pointers.push_back(tensor.data_ptr<float>());
  }
  return pointers;
}

class BlocksFunction : public torch::autograd::Function<BlocksFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context,
                            const c10::intrusive_ptr<PlanHolder>& holder,
                            const at::Tensor& x,
                            at::TensorList weights) {
    const at::Tensor saved = at::empty({holder->plan.SavedSize()}, x.options());
    const at::Tensor out = x.clone(at::MemoryFormat::Contiguous);
    BlocksForward(holder->plan, Pointers(weights), saved.data_ptr<float>(), out.data_ptr<float>());
    std::vector<at::Tensor> keep = weights.vec();
    keep.push_back(saved);
    context->save_for_backward(keep);
    context->saved_data["plan"] = c10::IValue::make_capsule(holder);
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const c10::intrusive_ptr<torch::CustomClassHolder> capsule =
        context->saved_data["plan"].toCapsule();
    const BlocksPlan& plan = static_cast<const PlanHolder&>(*capsule).plan;
    std::vector<at::Tensor> weights = context->get_saved_variables();
    const at::Tensor saved = weights.back();
    weights.pop_back();
    torch::autograd::variable_list out = {at::Tensor(),
                                          gradients[0].clone(at::MemoryFormat::Contiguous)};
    std::vector<float*> to_weights;
    for (const at::Tensor& weight : weights) {
      out.push_back(at::zeros_like(weight, at::MemoryFormat::Contiguous));
      to_weights.push_back(out.back().data_ptr<float>());
    }
    BlocksBackward(
        plan, Pointers(weights), saved.data_ptr<float>(), to_weights, out[1].data_ptr<float>());
    return out;
  }
};

BlocksPlan MakePlan(const ModelConfig& config, std::vector<Segment> segments, double dropout) {
  BlocksPlan plan{.width = config.width,
                  .heads = config.heads,
                  .causal = config.causal,
                  .dropout = dropout,
                  .segments = std::move(segments)};
  const double head_width = static_cast<double>(config.width) / config.heads;
  for (std::size_t block = 0; block < static_cast<std::size_t>(config.blocks); ++block) {
    const std::string& kind = config.attention[std::min(block, config.attention.size() - 1)];
    plan.score_scale.push_back(kind == "dot" ? 1.0F
                                             : static_cast<float>(1.0 / std::sqrt(head_width)));
  }
  return plan;
}

}  // namespace

bool HasFusedBlocks(const ModelConfig& config, const at::Device& device) {
  const auto is_dot_product = [](const std::string& kind) {
    return kind == "multi_head" || kind == "dot";
  };
  return device.is_cpu() && HasGemm()
         && std::all_of(config.attention.begin(), config.attention.end(), is_dot_product);
}

at::Tensor FusedBlocks(const ModelConfig& config,
                       const EncoderWeights& weights,
                       std::vector<Segment> segments,
                       double dropout,
                       const at::Tensor& x) {
  const std::vector<at::Tensor> order = InOrder(weights);
  return BlocksFunction::apply(
      c10::make_intrusive<PlanHolder>(MakePlan(config, std::move(segments), dropout)),
      x,
      at::TensorList(order));
}

}  // namespace rondo
