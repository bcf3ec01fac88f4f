#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/core/ids.h"
#include "common/core/result.h"

namespace rondo {

/// A history, oldest event first.
using History = std::span<const ItemRow>;

/// How the scores of all rows compare with the target's: with the scores of the rows that a ranking
/// leaves out, everything it needs.
struct ScoreCounts {
  float target = 0.0F;        ///< its score
  std::uint32_t greater = 0;  ///< rows that score higher
  std::uint32_t equal = 0;    ///< rows with the same score, the target among them
  std::uint32_t nans = 0;
};

/// What scores are counted against.
struct CountQuery {
  History history;
  ItemRow target = 0;               ///< 0: outside the catalogue; only NaN scores are counted
  std::span<const ItemRow> others;  ///< rows whose scores are wanted, too
};

/// Anything that ranks the catalogue after a history: the attention model and every baseline.
/// The only entry for evaluation, recommendation and explanation. Not thread-safe.
class Scorer {
 public:
  virtual ~Scorer() = default;

  /// Scores every row of the catalogue after each history.
  ///
  /// Shapes  scores [histories, rows] row-major, rows = items + 1; column 0 (padding) is ignored by
  /// readers.
  virtual Status Score(std::span<const History> histories, std::span<float> scores) = 0;

  /// Whether Count is faster than to look at all scores: they lie on a device.
  virtual bool CountsItself() const { return false; }

  /// Counts where the scores lie. `others` takes the scores of all queries' others, in their order.
  /// Errors  those of Score; kUnsupported unless CountsItself.
  virtual Result<std::vector<ScoreCounts>> Count(std::span<const CountQuery> /*queries*/,
                                                 std::vector<float>& /*others*/) {
    return Fail(ErrorCode::kUnsupported, "this scorer hands out its scores");
  }
};

}  // namespace rondo
