#pragma once

#include <cstdint>

#include <torch/types.h>

#include "common/config/scenario.h"
#include "common/model/encoder.h"

namespace rondo {

/// Which queries of a pass meet which keys: whole sequences against themselves, or the pieces of a
/// sliding window. The same for all blocks.
struct AttentionPlane {
  std::int64_t heads = 1;   ///< H
  std::int64_t length = 0;  ///< L of a sequence
  std::int64_t piece = 0;   ///< queries of a piece; 0: whole sequences
  std::int64_t pieces = 1;  ///< P of a sequence
  at::Tensor mask;          ///< [G B P H, Q, K], -1e9 where a query must not look
  at::Tensor distance;  ///< int64 [Q, K], events from a key on to the query; 0 where it is later

  /// [G B H, L, F] -> [G B P H, Q, F] of the queries, [G B P H, K, F] of the keys and values.
  at::Tensor Queries(const at::Tensor& x) const;
  at::Tensor Keys(const at::Tensor& x) const;

  /// [G B P H, Q, F] -> [G B H, L, F].
  at::Tensor Join(const at::Tensor& x) const;

  /// Rows and columns of the dropout mask of a sequence's shares, and the mask [G B H, rows,
  /// columns] as the shares [G B P H, Q, K] lie.
  std::int64_t MaskRows() const { return piece > 0 ? pieces * piece : length; }

  std::int64_t MaskColumns() const { return piece > 0 ? 2 * piece : length; }

  at::Tensor CutMask(const at::Tensor& mask_of_sequences) const;
};

/// Every query meets every key of its sequence. Cost  L^2 width.
AttentionPlane WholePlane(const ModelConfig& config, const at::Tensor& input);

/// A query meets the `model.window` most recent events, itself among them. Sequences are cut into
/// pieces of that many queries, each of which meets the keys of its own piece and of the one before
/// it: Q = window, K = 2 window. Cost  2 L window width, and as many scores.
///
/// Source  Beltagy et al. 2020 (Longformer), sliding window by overlapping pieces.
AttentionPlane WindowPlane(const ModelConfig& config, const at::Tensor& input);

/// What the model's forms ask for. Shapes  input int64 [G, B, L], right-aligned, 0 = padding.
AttentionPlane PlaneOf(const ModelConfig& config, const at::Tensor& input);

}  // namespace rondo
