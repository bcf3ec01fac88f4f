#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/core/ids.h"
#include "common/metrics/scorer.h"

namespace rondo {

/// Where one target stands among the candidates of one list.
///
/// Tied scores are never ordered by item id or place in memory: the target's position is uniform
/// over greater .. greater + ties (counted from 0), and every metric is the expected value over it.
struct Rank {
  std::uint32_t greater = 0;     ///< candidates that score higher
  std::uint32_t ties = 0;        ///< other candidates with the same score
  std::uint32_t candidates = 0;  ///< the target included
  std::uint32_t nans = 0;        ///< NaN scores met in the row, whether filtered or not
  bool miss = false;             ///< the target is outside the catalogue: every metric is 0
};

/// `rows` as RankTarget wants what it leaves out: sorted, without repeats and without row 0.
std::vector<ItemRow> ExcludedRows(std::vector<ItemRow> rows);

/// Ranks `target` among the rows 1 .. rows-1 that are not in `excluded`; the target itself is never
/// excluded. A NaN target ranks last; a NaN of another item is worse than any number.
///
/// Shapes  scores [rows], column 0 ignored; excluded sorted, without repeats, in 1 .. rows-1.
Rank RankTarget(std::span<const float> scores, ItemRow target, std::span<const ItemRow> excluded);

/// The same of counts over `items` rows.
/// Shapes  excluded_scores as excluded.
Rank RankTarget(const ScoreCounts& counts,
                std::uint32_t items,
                ItemRow target,
                std::span<const ItemRow> excluded,
                std::span<const float> excluded_scores);

/// P(position = p) for p = 0 .. length-1, in a ranking of all candidates.
std::vector<double> FullPositions(const Rank& rank, int length);

/// The same among the target and `negatives` items drawn uniformly without replacement from the
/// other candidates, as an exact expectation over the draws: hypergeometric, no sampling. Where
/// fewer candidates exist, all are drawn.
///
/// Source  the expectation of sampled metrics: Krichene and Rendle 2020, "On sampled metrics for
/// item recommendation"; here without replacement.
class SampledPositions {
 public:
  /// Prepares factorials for catalogues of up to `items` items.
  explicit SampledPositions(std::size_t items);

  std::vector<double> operator()(const Rank& rank, std::uint32_t negatives, int length) const;

 private:
  double LogChoose(std::uint32_t n, std::uint32_t k) const;

  std::vector<double> log_factorial_;
};

/// The metrics of one target within the first k positions.
struct TargetMetrics {
  double hr = 0.0;  ///< also recall, for a single target
  double ndcg = 0.0;
  double mrr = 0.0;        ///< also MAP, for a single target
  double precision = 0.0;  ///< hr / k
  double f1 = 0.0;         ///< 2 hr / (k + 1)
};

/// Shapes  positions as made above, at least k long.
TargetMetrics MetricsAt(std::span<const double> positions, int k);

}  // namespace rondo
