#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <torch/types.h>

#include "common/config/scenario.h"
#include "common/core/result.h"
#include "common/federated/parameters.h"
#include "common/model/attention.h"

/// The causal self-attention encoder as a function of its parameters. Every parameter has a leading
/// groups dimension G: clients with weights of their own, or 1.
namespace rondo {

struct AffineWeights {
  at::Tensor weight;  ///< linear [G, out, in]; norm [G, width]
  at::Tensor bias;    ///< [G, out]
};

struct BlockWeights {
  const AttentionKind* kind = nullptr;
  AffineWeights norm1;
  AffineWeights query;
  AffineWeights key;
  AffineWeights value;
  AffineWeights output;
  at::Tensor score;  ///< of additive and bilinear attention
  AffineWeights norm2;
  AffineWeights ff1;
  AffineWeights ff2;
};

struct FusionKind;  // fusion.h

struct EncoderWeights {
  at::Tensor item;       ///< [G, rows, width]
  at::Tensor feature;    ///< [G, values, width]; undefined without features, as the next two
  AffineWeights fusion;  ///< weight [G, width, 2 width]
  const FusionKind* fusion_kind = nullptr;  ///< null without features
  at::Tensor position;                      ///< [G, history, width]; undefined without positions
  std::vector<BlockWeights> blocks;
  AffineWeights norm;
};

/// Gives tensors in layout order their places in the encoder.
/// Errors  kInvalidArgument if the layout lacks one or the configuration is unknown.
Result<EncoderWeights> BindWeights(const ModelConfig& config,
                                   const ParameterLayout& layout,
                                   const std::vector<at::Tensor>& tensors);

/// One pass of the encoder.
struct EncoderInput {
  at::Tensor input;                            ///< int64 [G, B, L], right-aligned, 0 = padding
  double dropout = 0.0;                        ///< 0: evaluation
  std::span<const std::uint64_t> dropout_key;  ///< [G B]; read if dropout > 0
  /// Factors of products are rounded to it; sums, and all that is no product, are float32.
  at::ScalarType products = at::kFloat;
};

/// Hidden states after the final norm. Those of padding positions are meaningless.
///
/// Shapes  returns [G, B L, width].
/// Source  Kang and McAuley 2018 (SASRec), pre-norm blocks, item table scaled by sqrt(width).
at::Tensor Encode(const ModelConfig& config, const EncoderWeights& weights, const EncoderInput& in);

/// Hidden states at chosen positions; where no gradient is asked for, by the fastest way there is
/// for this model and device.
///
/// Shapes  place int64 [N], indices into the flat [G B L] positions, none of them padding unless
/// its
///         result goes unused; returns [N, width].
at::Tensor EncodeAt(const ModelConfig& config,
                    const EncoderWeights& weights,
                    const EncoderInput& in,
                    const at::Tensor& place);

/// Rows of `table` [R, width] chosen by int64 `index` [N], as index_select, with a backward pass
/// that adds row by row: LibTorch 1.13 spends microseconds a row there.
at::Tensor GatherRows(const at::Tensor& table, const at::Tensor& index);

/// Rows of each group's own matrix.
/// Shapes  source [G, R, width]; index int64 [G, N] of rows inside the group. Returns [G, N,
/// width].
at::Tensor GatherGroupRows(const at::Tensor& source, const at::Tensor& index);

}  // namespace rondo
