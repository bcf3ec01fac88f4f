#pragma once

#include <cstdint>

#include "common/model/block_pass.h"

/// The losses on raw rows, each with its gradient written by hand. Free of LibTorch; the twins are
/// in losses.cc, where the formulas are told.
namespace rondo {

/// Numbers of a block of logits: small enough for a core's cache, large enough for sgemm.
inline constexpr std::int64_t kLogitsAtOnce = 1 << 18;

/// What a sampled loss knows beside scores.
struct SampledShape {
  std::int64_t items = 0;    ///< of the catalogue
  double calibration = 0.0;  ///< t of gbce

  /// The factor of a target's term in gbce, among K negatives.
  double TargetFactor(std::int64_t negatives) const;
};

/// Targets of one group.
struct LossRowsInput {
  std::int64_t count = 0;  ///< n
  std::int64_t width = 0;
  const float* hidden = nullptr;            ///< [n, width]
  const float* item = nullptr;              ///< [rows, width]; row 0 is padding
  std::int64_t rows = 0;                    ///< of the item table
  const std::int64_t* target = nullptr;     ///< [n] table rows, at least 1
  const std::int64_t* negatives = nullptr;  ///< [n, K] table rows
  std::int64_t negatives_a_target = 0;      ///< K; 0 for the full softmax
  const float* coefficient = nullptr;       ///< [n] factor of a loss in the objective
  SampledShape shape;
};

struct LossRowsOutput {
  float* each = nullptr;       ///< [n] written: the losses
  float* to_hidden = nullptr;  ///< [n, width] written: d objective / d hidden
  float* to_item = nullptr;    ///< [rows, width] added to: d objective / d item
};

/// `room` holds scores, and is used again by the next call. Needs HasGemm.
using LossRows = void (*)(const LossRowsInput& in, const LossRowsOutput& out, Room& room);

void FullSoftmaxRows(const LossRowsInput& in, const LossRowsOutput& out, Room& room);
void SampledSoftmaxRows(const LossRowsInput& in, const LossRowsOutput& out, Room& room);
void BinaryCrossEntropyRows(const LossRowsInput& in, const LossRowsOutput& out, Room& room);
void PairwiseRankingRows(const LossRowsInput& in, const LossRowsOutput& out, Room& room);
void CalibratedCrossEntropyRows(const LossRowsInput& in, const LossRowsOutput& out, Room& room);

}  // namespace rondo
