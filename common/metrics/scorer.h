#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/core/ids.h"
#include "common/core/result.h"

namespace rondo {

/// A history, oldest event first.
using History = std::span<const ItemRow>;

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
};

}  // namespace rondo
