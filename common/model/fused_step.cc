#include "common/model/fused_step.h"

#include <algorithm>
#include <cmath>

#include <torch/torch.h>

#include "common/core/check.h"
#include "common/model/gemm.h"

namespace rondo {
namespace {

float* Rows(const at::Tensor& tensor) {
  if (!tensor.defined()) {
    return nullptr;
  }
  RONDO_CHECK(tensor.is_contiguous() && tensor.is_cpu() && tensor.scalar_type() == at::kFloat)
      << "rows are read as they lie in memory";
  return tensor.data_ptr<float>();
}

template <typename Float>
ModelRows<Float> RowsOf(const EncoderWeights& weights) {
  ModelRows<Float> rows{.item = Rows(weights.item), .position = Rows(weights.position)};
  const auto append = [&](const AffineWeights& part) {
    rows.blocks.push_back(Rows(part.weight));
    rows.blocks.push_back(Rows(part.bias));
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
  return rows;
}

BlocksPlan MakePlan(const ModelConfig& config, double dropout, std::vector<Segment> segments) {
  BlocksPlan plan{.width = config.width,
                  .heads = config.heads,
                  .causal = config.causal,
                  .dropout = dropout,
                  .segments = std::move(segments)};
  const double head_width = static_cast<double>(config.width) / config.heads;
  for (std::size_t block = 0; block < static_cast<std::size_t>(config.blocks); ++block) {
    const std::string& kind = config.attention[std::min(block, config.attention.size() - 1)];
    plan.score_scale.push_back(kind == "uniform" ? 0.0F
                               : kind == "dot"   ? 1.0F
                                                 : static_cast<float>(1.0 / std::sqrt(head_width)));
  }
  return plan;
}

PassInput MakeInput(const ModelConfig& config,
                    const EncoderWeights& weights,
                    double dropout,
                    std::span<const std::uint64_t> dropout_key,
                    const std::int64_t* input,
                    std::int64_t groups,
                    std::int64_t batch,
                    std::int64_t length) {
  const auto keys = dropout > 0.0 ? dropout_key : std::span<const std::uint64_t>();
  return {.plan = MakePlan(config, dropout, SegmentsOf(input, groups, batch, length, keys)),
          .length = length,
          .input = input,
          .item_rows = weights.item.size(1),
          .history = weights.position.defined() ? weights.position.size(1) : 0};
}

}  // namespace

bool HasFusedStep(const ModelConfig& config, const at::Device& device) {
  const auto is_dot_product = [](const std::string& kind) {
    return kind == "multi_head" || kind == "dot" || kind == "uniform";
  };
  return device.is_cpu() && HasGemm() && config.encoder == "self_attention" && config.forms.empty()
         && std::all_of(config.attention.begin(), config.attention.end(), is_dot_product);
}

at::Tensor FusedEncodeAt(const ModelConfig& config,
                         const EncoderWeights& weights,
                         const EncoderInput& in,
                         const at::Tensor& place) {
  const at::Tensor input = in.input.contiguous();
  const std::int64_t length = input.size(2);
  const PassInput pass = MakeInput(config,
                                   weights,
                                   in.dropout,
                                   in.dropout_key,
                                   input.data_ptr<std::int64_t>(),
                                   input.size(0),
                                   input.size(1),
                                   length);
  if (pass.plan.segments.empty()) {
    return at::zeros({place.size(0), config.width}, at::kFloat);
  }
  const at::Tensor hidden = at::empty({pass.plan.Rows(), config.width}, at::kFloat);
  StepRooms rooms;
  EncodeRows(pass, RowsOf<const float>(weights), rooms, hidden.data_ptr<float>());
  // Row of a position; positions of padding get any.
  std::vector<std::int64_t> row_of(static_cast<std::size_t>(input.numel()), 0);
  for (const Segment& segment : pass.plan.segments) {
    const std::int64_t end = (segment.sequence + 1) * length;
    for (std::int64_t t = 0; t < segment.length; ++t) {
      row_of[static_cast<std::size_t>(end - segment.length + t)] = segment.begin + t;
    }
  }
  const at::Tensor rows = at::tensor(row_of, at::kLong).index_select(0, place);
  return hidden.index_select(0, rows);
}

at::Tensor FusedStep(const ModelConfig& config,
                     const EncoderWeights& weights,
                     const EncoderWeights& gradients,
                     const StepBatch& batch,
                     const LossKind& loss,
                     const SampledShape& shape,
                     double dropout,
                     StepRooms& rooms) {
  const PassInput pass = MakeInput(config,
                                   weights,
                                   dropout,
                                   batch.dropout_key,
                                   batch.input.data(),
                                   batch.groups,
                                   batch.sequences,
                                   batch.length);
  const StepTargets targets{.groups = batch.groups,
                            .slots = batch.slots,
                            .negatives_a_slot = batch.negatives_a_slot,
                            .place = batch.place.data(),
                            .target = batch.target.data(),
                            .negatives = batch.negatives.data(),
                            .coefficient = batch.coefficient.data(),
                            .owner = batch.owner.data(),
                            .shape = shape};
  at::Tensor each = at::empty({batch.groups, batch.slots}, at::kFloat);
  StepRows(pass,
           targets,
           loss.rows,
           RowsOf<const float>(weights),
           RowsOf<float>(gradients),
           rooms,
           each.data_ptr<float>());
  return each;
}

}  // namespace rondo
