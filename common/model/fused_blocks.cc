#include "common/model/fused_blocks.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include <torch/torch.h>

#include "common/model/dropout.h"
#include "common/model/gemm.h"
#include "common/model/row_math.h"

namespace rondo {
namespace {

// Tensors of a block in the order they are passed, weight and bias alternating.
enum Slot : std::size_t {
  kNorm1 = 0,
  kQuery = 2,
  kKey = 4,
  kValue = 6,
  kOutput = 8,
  kNorm2 = 10,
  kFf1 = 12,
  kFf2 = 14
};

constexpr std::size_t kSlots = 16;

// Dropout sites of a block, after site 0 of the embedding; the same numbers as in encoder.cc.
enum Site : std::uint32_t { kShares = 0, kMixed = 1, kInner = 2, kOuter = 3, kSites = 4 };

/// Shape and rules of a pass; what forward and backward share.
struct Plan {
  std::int64_t width = 0;
  std::int64_t heads = 1;
  std::vector<float> score_scale;  ///< of each block
  bool causal = true;
  FusedPass pass;
  std::int64_t rows = 0;
  std::int64_t share_count = 0;  ///< heads * length^2, summed over segments
  std::int64_t longest = 0;

  float kept() const { return static_cast<float>(1.0 / (1.0 - pass.dropout)); }
};

/// What a block leaves for its gradient, as parts of one tensor.
struct Saved {
  Saved(float* at, const Plan& plan) {
    const auto take = [&](std::int64_t count) {
      float* const part = at;
      at += count;
      return part;
    };
    const std::int64_t matrix = plan.rows * plan.width;
    normal1 = take(matrix);
    query = take(matrix);
    key = take(matrix);
    value = take(matrix);
    mixed = take(matrix);
    normal2 = take(matrix);
    inner = take(matrix);
    inverse1 = take(plan.rows);
    inverse2 = take(plan.rows);
    shares = take(plan.share_count);
  }

  static std::int64_t Size(const Plan& plan) {
    return 7 * plan.rows * plan.width + 2 * plan.rows + plan.share_count;
  }

  float* normal1;  ///< [N, width]
  float* query;    ///< same, as are the next five
  float* key;
  float* value;
  float* mixed;  ///< attention's output before its projection
  float* normal2;
  float* inner;     ///< after relu and dropout
  float* inverse1;  ///< [N]
  float* inverse2;  ///< [N]
  float* shares;    ///< a segment's [heads, length, length] after the other, before dropout
};

/// Calls `work(group, first row, rows)` for every group that has rows.
template <typename Work>
void ForGroups(const Plan& plan, const Work& work) {
  const std::vector<Segment>& segments = plan.pass.segments;
  for (std::size_t i = 0; i < segments.size();) {
    const Segment& first = segments[i];
    std::int64_t rows = 0;
    for (; i < segments.size() && segments[i].group == first.group; ++i) {
      rows += segments[i].length;
    }
    work(first.group, first.begin, rows);
  }
}

/// Multiplies x [N, width] by a dropout mask of the segments.
void DropRows(const Plan& plan, std::uint32_t site, std::vector<float>& scratch, float* x) {
  if (plan.pass.dropout <= 0.0) {
    return;
  }
  for (const Segment& segment : plan.pass.segments) {
    const std::int64_t count = segment.length * plan.width;
    scratch.resize(
        static_cast<std::size_t>(std::max(count, static_cast<std::int64_t>(scratch.size()))));
    const std::span<float> mask = std::span(scratch).first(static_cast<std::size_t>(count));
    FillDropoutMask({&segment.dropout_key, 1},
                    segment.length,
                    plan.width,
                    {.site = site, .probability = plan.pass.dropout},
                    mask);
    float* const at = x + segment.begin * plan.width;
    ScaleInPlace(mask.data(), count, at);
  }
}

/// The dropout mask of one head's shares [length, length].
void FillShareMask(const Plan& plan,
                   const Segment& segment,
                   std::int64_t head,
                   std::uint32_t site,
                   std::vector<float>& mask) {
  mask.resize(static_cast<std::size_t>(segment.length * segment.length));
  const std::uint64_t key = HeadDropoutKey(segment.dropout_key, head);
  FillDropoutMask({&key, 1},
                  segment.length,
                  segment.length,
                  {.site = site, .probability = plan.pass.dropout},
                  mask);
}

/// One block of one pass, forwards and backwards.
class BlockPass {
 public:
  BlockPass(const Plan& plan,
            const std::vector<const float*>& weights,
            std::size_t block,
            float* saved)
      : plan_(plan),
        weights_(weights),
        block_(block),
        saved_(saved, plan) {}

  /// x [N, width] becomes the block's output.
  void Forward(float* x) {
    const std::int64_t width = plan_.width;
    std::vector<float> h(static_cast<std::size_t>(plan_.rows * width));
    Normalise(x, saved_.normal1, saved_.inverse1, kNorm1, h.data());
    Project(h.data(), kQuery, saved_.query);
    Project(h.data(), kKey, saved_.key);
    Project(h.data(), kValue, saved_.value);
    Attend();
    Project(saved_.mixed, kOutput, h.data());
    DropRows(plan_, SiteOf(kMixed), scratch_, h.data());
    Add(h.data(), x);
    Normalise(x, saved_.normal2, saved_.inverse2, kNorm2, h.data());
    Project(h.data(), kFf1, saved_.inner, true);
    DropRows(plan_, SiteOf(kInner), scratch_, saved_.inner);
    Project(saved_.inner, kFf2, h.data());
    DropRows(plan_, SiteOf(kOuter), scratch_, h.data());
    Add(h.data(), x);
  }

  /// `gradient` [N, width] of the output becomes that of the input; `to_weights` is filled.
  void Backward(const std::vector<float*>& to_weights, float* gradient) {
    to_weights_ = &to_weights;
    const std::size_t size = static_cast<std::size_t>(plan_.rows * plan_.width);
    std::vector<float> moved(gradient, gradient + size);
    std::vector<float> h(size);
    std::vector<float> inner(size);
    DropRows(plan_, SiteOf(kOuter), scratch_, moved.data());
    ProjectBackward(saved_.inner, moved.data(), kFf2, inner.data(), 0.0F);
    PassPositive(saved_.inner, plan_.rows * plan_.width, plan_.kept(), inner.data());
    Rescale(saved_.normal2, kNorm2, h.data());
    ProjectBackward(h.data(), inner.data(), kFf1, moved.data(), 0.0F);
    NormaliseBackward(moved.data(), saved_.normal2, saved_.inverse2, kNorm2, gradient);
    std::copy(gradient, gradient + size, moved.begin());
    DropRows(plan_, SiteOf(kMixed), scratch_, moved.data());
    ProjectBackward(saved_.mixed, moved.data(), kOutput, inner.data(), 0.0F);
    std::vector<float> to_query(size);
    std::vector<float> to_key(size);
    std::vector<float> to_value(size);
    AttendBackward(inner.data(), to_query.data(), to_key.data(), to_value.data());
    Rescale(saved_.normal1, kNorm1, h.data());
    ProjectBackward(h.data(), to_query.data(), kQuery, moved.data(), 0.0F);
    ProjectBackward(h.data(), to_key.data(), kKey, moved.data(), 1.0F);
    ProjectBackward(h.data(), to_value.data(), kValue, moved.data(), 1.0F);
    NormaliseBackward(moved.data(), saved_.normal1, saved_.inverse1, kNorm1, gradient);
  }

 private:
  std::uint32_t SiteOf(Site site) const {
    return 1 + static_cast<std::uint32_t>(block_) * kSites + site;
  }

  const float* Weight(std::size_t slot, std::int64_t group, std::int64_t stride) const {
    return weights_[block_ * kSlots + slot] + group * stride;
  }

  float* ToWeight(std::size_t slot, std::int64_t group, std::int64_t stride) const {
    return (*to_weights_)[block_ * kSlots + slot] + group * stride;
  }

  MatrixView Rows(const float* x, std::int64_t begin, std::int64_t rows) const {
    return {const_cast<float*>(x) + begin * plan_.width, rows, plan_.width, plan_.width};
  }

  MatrixView Square(const float* weight) const {
    return {const_cast<float*>(weight), plan_.width, plan_.width, plan_.width};
  }

  void Add(const float* from, float* to) const { AddInPlace(from, plan_.rows * plan_.width, to); }

  void Normalise(const float* x, float* normal, float* inverse, Slot slot, float* out) const {
    NormRows(x, plan_.rows, plan_.width, normal, inverse);
    Rescale(normal, slot, out);
  }

  void Rescale(const float* normal, Slot slot, float* out) const {
    const std::int64_t width = plan_.width;
    ForGroups(plan_, [&](std::int64_t group, std::int64_t begin, std::int64_t rows) {
      ScaleShiftRows(normal + begin * width,
                     Weight(slot, group, width),
                     Weight(slot + 1, group, width),
                     rows,
                     width,
                     out + begin * width);
    });
  }

  void NormaliseBackward(const float* to_out,
                         const float* normal,
                         const float* inverse,
                         Slot slot,
                         float* to_x) const {
    const std::int64_t width = plan_.width;
    ForGroups(plan_, [&](std::int64_t group, std::int64_t begin, std::int64_t rows) {
      NormRowsBackward(to_out + begin * width,
                       normal + begin * width,
                       inverse + begin,
                       Weight(slot, group, width),
                       rows,
                       width,
                       to_x + begin * width,
                       ToWeight(slot, group, width),
                       ToWeight(slot + 1, group, width));
    });
  }

  void Project(const float* x, Slot slot, float* out, bool relu = false) const {
    const std::int64_t width = plan_.width;
    ForGroups(plan_, [&](std::int64_t group, std::int64_t begin, std::int64_t rows) {
      Multiply(Rows(x, begin, rows),
               Square(Weight(slot, group, width * width)).T(),
               Rows(out, begin, rows));
      const float* const bias = Weight(slot + 1, group, width);
      (relu ? AddBiasReluRows : AddBiasRows)(bias, rows, width, out + begin * width);
    });
  }

  /// `x` went in, `to_out` came back: to_x = keep * to_x + to_out W.
  void ProjectBackward(const float* x,
                       const float* to_out,
                       Slot slot,
                       float* to_x,
                       float keep) const {
    const std::int64_t width = plan_.width;
    ForGroups(plan_, [&](std::int64_t group, std::int64_t begin, std::int64_t rows) {
      const MatrixView back = Rows(to_out, begin, rows);
      Multiply(back.T(), Rows(x, begin, rows), Square(ToWeight(slot, group, width * width)));
      AddColumnSums(to_out + begin * width, rows, width, ToWeight(slot + 1, group, width));
      Multiply(
          back, Square(Weight(slot, group, width * width)), Rows(to_x, begin, rows), 1.0F, keep);
    });
  }

  /// Calls `work(segment, head, shares, view)` where view(x) is the head's [length, F] part of x.
  template <typename Work>
  void ForHeads(const Work& work) const {
    const std::int64_t head_width = plan_.width / plan_.heads;
    float* shares = saved_.shares;
    for (const Segment& segment : plan_.pass.segments) {
      for (std::int64_t head = 0; head < plan_.heads; ++head) {
        const auto view = [&](float* x) {
          return MatrixView{x + segment.begin * plan_.width + head * head_width,
                            segment.length,
                            head_width,
                            plan_.width};
        };
        work(segment,
             head,
             MatrixView{shares, segment.length, segment.length, segment.length},
             view);
        shares += segment.length * segment.length;
      }
    }
  }

  void Attend() {
    std::vector<float> dropped;
    ForHeads(
        [&](const Segment& segment, std::int64_t head, const MatrixView& shares, const auto& view) {
          Multiply(view(saved_.query), view(saved_.key).T(), shares, plan_.score_scale[block_]);
          SoftmaxRows(shares.data, segment.length, plan_.causal);
          Multiply(Dropped(segment, head, shares, dropped), view(saved_.value), view(saved_.mixed));
        });
  }

  MatrixView Dropped(const Segment& segment,
                     std::int64_t head,
                     const MatrixView& shares,
                     std::vector<float>& out) {
    if (plan_.pass.dropout <= 0.0) {
      return shares;
    }
    FillShareMask(plan_, segment, head, SiteOf(kShares), out);
    ScaleInPlace(shares.data, segment.length * segment.length, out.data());
    return {out.data(), shares.rows, shares.columns, shares.stride};
  }

  void AttendBackward(float* to_mixed, float* to_query, float* to_key, float* to_value) {
    std::vector<float> dropped;
    std::vector<float> to_shares(static_cast<std::size_t>(plan_.longest * plan_.longest));
    const float scale = plan_.score_scale[block_];
    ForHeads(
        [&](const Segment& segment, std::int64_t head, const MatrixView& shares, const auto& view) {
          const MatrixView to{to_shares.data(), segment.length, segment.length, segment.length};
          Multiply(Dropped(segment, head, shares, dropped).T(), view(to_mixed), view(to_value));
          Multiply(view(to_mixed), view(saved_.value).T(), to);
          if (plan_.pass.dropout > 0.0) {
            FillShareMask(plan_, segment, head, SiteOf(kShares), dropped);
            ScaleInPlace(dropped.data(), segment.length * segment.length, to.data);
          }
          SoftmaxRowsBackward(shares.data, segment.length, plan_.causal, to.data);
          Multiply(to, view(saved_.key), view(to_query), scale);
          Multiply(to.T(), view(saved_.query), view(to_key), scale);
        });
  }

  const Plan& plan_;
  const std::vector<const float*>& weights_;
  std::size_t block_;
  Saved saved_;
  const std::vector<float*>* to_weights_ = nullptr;
  std::vector<float> scratch_;
};

/// The norm after the last block.
class FinalNorm {
 public:
  FinalNorm(const Plan& plan, const std::vector<const float*>& weights)
      : plan_(plan),
        weights_(weights),
        slot_(plan.score_scale.size() * kSlots) {}

  /// x [N, width] becomes its normal form, `out` what the encoder returns.
  void Forward(float* x, float* inverse, float* out) const {
    NormRows(x, plan_.rows, plan_.width, x, inverse);
    const std::int64_t width = plan_.width;
    ForGroups(plan_, [&](std::int64_t group, std::int64_t begin, std::int64_t rows) {
      ScaleShiftRows(x + begin * width,
                     weights_[slot_] + group * width,
                     weights_[slot_ + 1] + group * width,
                     rows,
                     width,
                     out + begin * width);
    });
  }

  void Backward(const float* to_out,
                const float* normal,
                const float* inverse,
                const std::vector<float*>& to_weights,
                float* to_x) const {
    const std::int64_t width = plan_.width;
    ForGroups(plan_, [&](std::int64_t group, std::int64_t begin, std::int64_t rows) {
      NormRowsBackward(to_out + begin * width,
                       normal + begin * width,
                       inverse + begin,
                       weights_[slot_] + group * width,
                       rows,
                       width,
                       to_x + begin * width,
                       to_weights[slot_] + group * width,
                       to_weights[slot_ + 1] + group * width);
    });
  }

 private:
  const Plan& plan_;
  const std::vector<const float*>& weights_;
  std::size_t slot_;
};

std::vector<const float*> Pointers(at::TensorList tensors) {
  std::vector<const float*> pointers;
  for (const at::Tensor& tensor : tensors) {
    pointers.push_back(tensor.data_ptr<float>());
  }
  return pointers;
}

/// The plan travels from forward to backward inside the graph.
struct PlanHolder : torch::CustomClassHolder {
  explicit PlanHolder(Plan p) : plan(std::move(p)) {}

  Plan plan;
};

/// Weights in slot order, block after block, then the final norm.
std::vector<at::Tensor> InOrder(const EncoderWeights& weights) {
  std::vector<at::Tensor> order;
  for (const BlockWeights& block : weights.blocks) {
    for (const AffineWeights* part : {&block.norm1,
                                      &block.query,
                                      &block.key,
                                      &block.value,
                                      &block.output,
                                      &block.norm2,
                                      &block.ff1,
                                      &block.ff2}) {
      order.push_back(part->weight);
      order.push_back(part->bias);
    }
  }
  order.push_back(weights.norm.weight);
  order.push_back(weights.norm.bias);
  return order;
}

class BlocksFunction : public torch::autograd::Function<BlocksFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context,
                            const c10::intrusive_ptr<PlanHolder>& holder,
                            const at::Tensor& x,
                            at::TensorList weights) {
    const Plan& plan = holder->plan;
    const std::vector<const float*> pointers = Pointers(weights);
    const std::int64_t size = Saved::Size(plan);
    const auto blocks = static_cast<std::int64_t>(plan.score_scale.size());
    const at::Tensor saved = at::empty({blocks * size + plan.rows}, x.options());
    const at::Tensor normal = x.clone(at::MemoryFormat::Contiguous);
    for (std::int64_t block = 0; block < blocks; ++block) {
      BlockPass(
          plan, pointers, static_cast<std::size_t>(block), saved.data_ptr<float>() + block * size)
          .Forward(normal.data_ptr<float>());
    }
    const at::Tensor out = at::empty_like(normal);
    FinalNorm(plan, pointers)
        .Forward(normal.data_ptr<float>(),
                 saved.data_ptr<float>() + blocks * size,
                 out.data_ptr<float>());
    std::vector<at::Tensor> keep = weights.vec();
    keep.insert(keep.end(), {saved, normal});
    context->save_for_backward(keep);
    context->saved_data["plan"] = c10::IValue::make_capsule(holder);
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const c10::intrusive_ptr<torch::CustomClassHolder> capsule =
        context->saved_data["plan"].toCapsule();
    const Plan& plan = static_cast<const PlanHolder&>(*capsule).plan;
    std::vector<at::Tensor> weights = context->get_saved_variables();
    const at::Tensor normal = weights.back();
    weights.pop_back();
    const at::Tensor saved = weights.back();
    weights.pop_back();
    const std::vector<const float*> pointers = Pointers(weights);
    std::vector<at::Tensor> to_weights;
    std::vector<float*> to_pointers;
    for (const at::Tensor& weight : weights) {
      to_weights.push_back(at::zeros_like(weight, at::MemoryFormat::Contiguous));
      to_pointers.push_back(to_weights.back().data_ptr<float>());
    }
    const std::int64_t size = Saved::Size(plan);
    const auto blocks = static_cast<std::int64_t>(plan.score_scale.size());
    const at::Tensor to_out = gradients[0].contiguous();
    at::Tensor to_x = at::zeros_like(normal);
    FinalNorm(plan, pointers)
        .Backward(to_out.data_ptr<float>(),
                  normal.data_ptr<float>(),
                  saved.data_ptr<float>() + blocks * size,
                  to_pointers,
                  to_x.data_ptr<float>());
    for (std::int64_t block = blocks - 1; block >= 0; --block) {
      BlockPass(
          plan, pointers, static_cast<std::size_t>(block), saved.data_ptr<float>() + block * size)
          .Backward(to_pointers, to_x.data_ptr<float>());
    }
    torch::autograd::variable_list out = {at::Tensor(), to_x};
    out.insert(out.end(), to_weights.begin(), to_weights.end());
    return out;
  }
};

Plan MakePlan(const ModelConfig& config, const FusedPass& pass) {
  Plan plan{.width = config.width, .heads = config.heads, .causal = config.causal, .pass = pass};
  const double head_width = static_cast<double>(config.width) / config.heads;
  for (std::size_t block = 0; block < static_cast<std::size_t>(config.blocks); ++block) {
    const std::string& kind = config.attention[std::min(block, config.attention.size() - 1)];
    plan.score_scale.push_back(kind == "dot" ? 1.0F
                                             : static_cast<float>(1.0 / std::sqrt(head_width)));
  }
  for (const Segment& segment : pass.segments) {
    plan.rows += segment.length;
    plan.share_count += plan.heads * segment.length * segment.length;
    plan.longest = std::max(plan.longest, segment.length);
  }
  return plan;
}

}  // namespace

bool HasFusedBlocks(const ModelConfig& config, const at::Device& device) {
  return device.is_cpu()
         && std::all_of(
             config.attention.begin(), config.attention.end(), [](const std::string& kind) {
               return kind == "multi_head" || kind == "dot";
             });
}

at::Tensor FusedBlocks(const ModelConfig& config,
                       const EncoderWeights& weights,
                       const FusedPass& pass,
                       const at::Tensor& x) {
  const std::vector<at::Tensor> order = InOrder(weights);
  return BlocksFunction::apply(
      c10::make_intrusive<PlanHolder>(MakePlan(config, pass)), x, at::TensorList(order));
}

}  // namespace rondo
