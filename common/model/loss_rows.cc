#include "common/model/loss_rows.h"

#include <algorithm>
#include <cmath>

#include "common/model/gemm.h"
#include "common/model/row_math.h"

namespace rondo {
namespace {

/// Scores each target and its negatives, lets `loss` (scores, count, coefficient -> loss) replace
/// the scores by the gradient of the objective, and spreads that over states and rows.
template <typename ScoreLoss>
void SampledRows(const LossRowsInput& in,
                 const LossRowsOutput& out,
                 Room& room,
                 const ScoreLoss& loss) {
  const std::int64_t negatives = in.negatives_a_target;
  float* const scores = room.Take(1 + negatives);
  std::fill(out.to_hidden, out.to_hidden + in.count * in.width, 0.0F);
  for (std::int64_t i = 0; i < in.count; ++i) {
    const float* const state = in.hidden + i * in.width;
    float* const to_state = out.to_hidden + i * in.width;
    const std::int64_t* const drawn = in.negatives + i * negatives;
    ScoreRows(state, in.item, in.target + i, 1, in.width, scores);
    ScoreRows(state, in.item, drawn, negatives, in.width, scores + 1);
    out.each[i] = loss(scores, 1 + negatives, in.coefficient[i]);
    ScoreRowsBackward(scores, state, in.item, in.target + i, 1, in.width, to_state, out.to_item);
    ScoreRowsBackward(
        scores + 1, state, in.item, drawn, negatives, in.width, to_state, out.to_item);
  }
}

}  // namespace

double SampledShape::TargetFactor(std::int64_t negatives) const {
  const auto others = static_cast<double>(std::max<std::int64_t>(1, items - 1));
  const double rate = std::min(1.0, static_cast<double>(negatives) / others);
  return 1.0 - calibration * (1.0 - rate);
}

void FullSoftmaxRows(const LossRowsInput& in, const LossRowsOutput& out, Room& room) {
  const std::int64_t rows = in.rows - 1;
  const std::int64_t block = std::clamp<std::int64_t>(kLogitsAtOnce / rows, 16, 4096);
  float* const logits = room.Take(std::min(block, in.count) * rows);
  const MatrixView table{const_cast<float*>(in.item) + in.width, rows, in.width, in.width};
  const MatrixView to_table{out.to_item + in.width, rows, in.width, in.width};
  for (std::int64_t begin = 0; begin < in.count; begin += block) {
    const std::int64_t count = std::min(block, in.count - begin);
    const auto cut = [&](const float* states) {
      float* const first = const_cast<float*>(states) + begin * in.width;
      return MatrixView{first, count, in.width, in.width};
    };
    const MatrixView scores{logits, count, rows, rows};
    Multiply(cut(in.hidden), table.T(), scores);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t at = begin + i;
      out.each[at] =
          CrossEntropyRow(logits + i * rows, rows, in.target[at] - 1, in.coefficient[at]);
    }
    Multiply(scores, table, cut(out.to_hidden));
    Multiply(scores.T(), cut(in.hidden), to_table, 1.0F, 1.0F);
  }
}

void SampledSoftmaxRows(const LossRowsInput& in, const LossRowsOutput& out, Room& room) {
  const auto log_q = static_cast<float>(
      std::log(static_cast<double>(in.negatives_a_target) / static_cast<double>(in.shape.items)));
  SampledRows(
      in, out, room, [log_q](float* scores, std::int64_t count, float coefficient) -> float {
        std::for_each(scores + 1, scores + count, [log_q](float& score) { score -= log_q; });
        return CrossEntropyRow(scores, count, 0, coefficient);
      });
}

void BinaryCrossEntropyRows(const LossRowsInput& in, const LossRowsOutput& out, Room& room) {
  SampledRows(in, out, room, [](float* scores, std::int64_t count, float coefficient) {
    return BinaryCrossEntropyRow(scores, count, coefficient, 1.0F);
  });
}

void PairwiseRankingRows(const LossRowsInput& in, const LossRowsOutput& out, Room& room) {
  SampledRows(in, out, room, &PairwiseRankingRow);
}

void CalibratedCrossEntropyRows(const LossRowsInput& in, const LossRowsOutput& out, Room& room) {
  const auto target = static_cast<float>(in.shape.TargetFactor(in.negatives_a_target));
  SampledRows(in, out, room, [target](float* scores, std::int64_t count, float coefficient) {
    return BinaryCrossEntropyRow(scores, count, coefficient, target);
  });
}

}  // namespace rondo
