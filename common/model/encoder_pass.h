#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "common/model/encoder.h"

/// What the encoders are made of.
namespace rondo {

/// x W^T + b. Shapes  x [G, rows, in]; returns [G, rows, out].
at::Tensor Linear(const at::Tensor& x, const AffineWeights& weights, at::ScalarType products);

/// Layer norm over the last dimension. Shapes  x [G, rows, width].
at::Tensor Norm(const at::Tensor& x, const AffineWeights& weights);

/// What all blocks of one pass share. Dropout masks differ by site, and sites are numbered in the
/// order of the calls.
class EncoderPass {
 public:
  EncoderPass(const ModelConfig& config, const EncoderInput& in);

  /// Item and position embeddings after dropout, 0 at padding. Shapes  returns [G, B L, width].
  at::Tensor Embed(const EncoderWeights& weights);

  /// Shapes  x [G, B L, width].
  at::Tensor Dropout(const at::Tensor& x);

  /// The factors that dropout gives to attention shares, or an undefined tensor without it. Rows
  /// and columns count from the end. Shapes  returns [G B H, rows, columns].
  at::Tensor ShareMask(std::int64_t rows, std::int64_t columns);

  /// [G, B L, width] -> [G B H, L, F], and back.
  at::Tensor SplitHeads(const at::Tensor& x) const;
  at::Tensor JoinHeads(const at::Tensor& x) const;

  const ModelConfig& config() const { return config_; }

  const EncoderInput& in() const { return in_; }

  std::int64_t groups() const { return in_.input.size(0); }

  std::int64_t batch() const { return in_.input.size(1); }

  std::int64_t length() const { return in_.input.size(2); }

  /// [G, B L, 1], 0 at padding.
  const at::Tensor& keep() const { return keep_; }

 private:
  at::Tensor Mask(const std::vector<std::uint64_t>& keys, std::int64_t rows, std::int64_t width);

  const ModelConfig& config_;
  const EncoderInput& in_;
  at::Tensor keep_;
  std::uint32_t site_ = 0;
};

struct AttentionPlane;  // attention_plane.h

/// One self-attention block. Shapes  x, result [G, B L, width].
at::Tensor SelfAttentionBlock(EncoderPass& pass,
                              const AttentionPlane& plane,
                              const BlockWeights& weights,
                              const at::Tensor& x);

/// The encoders of the table.
at::Tensor EncodeBySelfAttention(const ModelConfig& config,
                                 const EncoderWeights& weights,
                                 const EncoderInput& in);
at::Tensor EncodeByGru(const ModelConfig& config,
                       const EncoderWeights& weights,
                       const EncoderInput& in);
at::Tensor EncodeForTargets(const ModelConfig& config,
                            const EncoderWeights& weights,
                            const EncoderInput& in);
at::Tensor ScoreByTargetAttention(const ModelConfig& config,
                                  const EncoderWeights& weights,
                                  const EncoderInput& in,
                                  const at::Tensor& place,
                                  const at::Tensor& candidates);

}  // namespace rondo
