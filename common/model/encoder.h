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

/// The encoders as functions of their parameters. Every parameter has a leading groups dimension G:
/// clients with weights of their own, or 1.
namespace rondo {

struct AffineWeights {
  at::Tensor weight;  ///< linear [G, out, in]; norm [G, width]
  at::Tensor bias;    ///< [G, out]
};

struct AttentionForm;  // attention_forms.h

struct FormWeights {
  const AttentionForm* form = nullptr;
  AffineWeights weights;  ///< undefined where the form has none
};

/// A block of attention; of a layer of another encoder, only what it has.
struct BlockWeights {
  const AttentionKind* kind = nullptr;
  AffineWeights norm1;
  AffineWeights query;
  AffineWeights key;
  AffineWeights value;
  AffineWeights output;
  at::Tensor score;  ///< of additive and bilinear attention
  std::vector<FormWeights> forms;
  AffineWeights norm2;
  AffineWeights ff1;
  AffineWeights ff2;
  AffineWeights input;   ///< gru: [G, 3 width, width], reset, update and candidate
  AffineWeights hidden;  ///< gru: same
};

struct FusionKind;   // fusion.h
struct EncoderKind;  // below

struct EncoderWeights {
  const EncoderKind* kind = nullptr;
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

/// An encoder, by its word in the scenario.
///
///   self_attention    causal blocks over the history; the state at an event scores items by
///   products
///                     with their embeddings. Cost L^2 width + L width^2 a block.
///                     Source  Kang and McAuley 2018 (SASRec), pre-norm, item table scaled by
///                     sqrt(width).
///   gru               recurrent layers over the history; scores as above. Cost L width^2 a layer,
///   one
///                     event after the other. Source  Hidasi et al. 2016 (GRU4Rec).
///   target_attention  in the last block the candidate is the query, so that a history looks
///   different
///                     to every item. Cost (L width + width^2) a candidate.
///                     Source  Zhou et al. 2018 (DIN), with shares that add up to 1.
struct EncoderKind {
  std::string name;

  /// As Encode; for target_attention, the states of its self-attention blocks.
  at::Tensor (*encode)(const ModelConfig& config,
                       const EncoderWeights& weights,
                       const EncoderInput& in);

  /// Scores of candidates; null where they are products of a state and an item's embedding.
  /// Shapes  place int64 [G, P], indices into the flat [G B L] positions after which to score;
  ///         candidates int64 [G, P, K], rows of the item table. Returns [G, P, K].
  at::Tensor (*score)(const ModelConfig& config,
                      const EncoderWeights& weights,
                      const EncoderInput& in,
                      const at::Tensor& place,
                      const at::Tensor& candidates) = nullptr;
};

/// Errors  kInvalidArgument for an unknown word.
Result<const EncoderKind*> FindEncoder(const std::string& name);

/// Hidden states after the final norm. Those of padding positions are meaningless.
///
/// Shapes  returns [G, B L, width].
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
