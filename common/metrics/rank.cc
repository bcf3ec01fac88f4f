#include "common/metrics/rank.h"

#include <algorithm>
#include <cmath>

#include "common/core/check.h"

namespace rondo {
namespace {

// Branch-free, so that the compiler turns it into vector code: this loop is all of full ranking.
ScoreCounts Compare(std::span<const float> scores, float target) {
  ScoreCounts counts{.target = target};
  for (const float score : scores) {
    counts.greater += static_cast<std::uint32_t>(score > target);
    counts.equal += static_cast<std::uint32_t>(score == target);
    counts.nans += static_cast<std::uint32_t>(score != score);
  }
  return counts;
}

}  // namespace

std::vector<ItemRow> ExcludedRows(std::vector<ItemRow> rows) {
  std::erase_if(rows, [](ItemRow row) { return row <= 0; });
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

Rank RankTarget(std::span<const float> scores, ItemRow target, std::span<const ItemRow> excluded) {
  const auto items = static_cast<std::uint32_t>(scores.empty() ? 0 : scores.size() - 1);
  RONDO_CHECK(target >= 0 && static_cast<std::size_t>(target) <= items) << "target row " << target;
  const float score = target > 0 ? scores[static_cast<std::size_t>(target)] : 0.0F;
  std::vector<float> excluded_scores;
  excluded_scores.reserve(excluded.size());
  for (const ItemRow row : excluded) {
    excluded_scores.push_back(scores[static_cast<std::size_t>(row)]);
  }
  const ScoreCounts counts = Compare(scores.subspan(items > 0 ? 1 : 0), score);
  return RankTarget(counts, items, target, excluded, excluded_scores);
}

Rank RankTarget(const ScoreCounts& counts,
                std::uint32_t items,
                ItemRow target,
                std::span<const ItemRow> excluded,
                std::span<const float> excluded_scores) {
  RONDO_CHECK(excluded.size() == excluded_scores.size()) << "a score an excluded row";
  Rank rank{.candidates = items, .nans = counts.nans, .miss = target <= 0};
  if (rank.miss) {
    return rank;
  }
  std::uint32_t greater = counts.greater;
  std::uint32_t equal = counts.equal;
  for (std::size_t i = 0; i < excluded.size(); ++i) {
    if (excluded[i] != target) {
      greater -= static_cast<std::uint32_t>(excluded_scores[i] > counts.target);
      equal -= static_cast<std::uint32_t>(excluded_scores[i] == counts.target);
      --rank.candidates;
    }
  }
  if (std::isnan(counts.target)) {
    rank.greater = rank.candidates - 1;
    return rank;
  }
  rank.greater = greater;
  rank.ties = equal - 1;
  return rank;
}

std::vector<double> FullPositions(const Rank& rank, int length) {
  std::vector<double> positions(static_cast<std::size_t>(length), 0.0);
  if (rank.miss) {
    return positions;
  }
  const std::size_t end =
      std::min<std::size_t>(positions.size(), std::size_t{rank.greater} + rank.ties + 1);
  for (std::size_t p = rank.greater; p < end; ++p) {
    positions[p] = 1.0 / (rank.ties + 1.0);
  }
  return positions;
}

SampledPositions::SampledPositions(std::size_t items) : log_factorial_(items + 2, 0.0) {
  for (std::size_t n = 1; n < log_factorial_.size(); ++n) {
    log_factorial_[n] = log_factorial_[n - 1] + std::log(static_cast<double>(n));
  }
}

double SampledPositions::LogChoose(std::uint32_t n, std::uint32_t k) const {
  return log_factorial_[n] - log_factorial_[k] - log_factorial_[n - k];
}

std::vector<double> SampledPositions::operator()(const Rank& rank,
                                                 std::uint32_t negatives,
                                                 int length) const {
  std::vector<double> positions(static_cast<std::size_t>(length), 0.0);
  if (rank.miss) {
    return positions;
  }
  const std::uint32_t others = rank.candidates - 1;
  const std::uint32_t drawn = std::min(negatives, others);
  const double all_draws = LogChoose(others, drawn);
  // A random order of all tied items, restricted to the drawn ones, is a random order of those. So
  // the number of items above the target is greater + j with j uniform over 0 .. ties, and the
  // number of them drawn is hypergeometric.
  for (std::uint32_t j = 0; j <= rank.ties; ++j) {
    const std::uint32_t above = rank.greater + j;
    const std::uint32_t below = others - above;
    const std::uint32_t fewest = drawn > below ? drawn - below : 0;
    const std::uint32_t most = std::min(drawn, above);
    double mass = 0.0;
    for (std::uint32_t p = fewest; p <= most && p < positions.size(); ++p) {
      const double probability =
          std::exp(LogChoose(above, p) + LogChoose(below, drawn - p) - all_draws);
      positions[p] += probability / (rank.ties + 1.0);
      mass += probability;
    }
    if (mass < 1e-18) {
      break;  // The mass only shrinks as more items stand above.
    }
  }
  return positions;
}

TargetMetrics MetricsAt(std::span<const double> positions, int k) {
  RONDO_CHECK(k >= 1 && static_cast<std::size_t>(k) <= positions.size()) << "k = " << k;
  TargetMetrics metrics;
  for (std::size_t p = 0; p < static_cast<std::size_t>(k); ++p) {
    const auto place = static_cast<double>(p + 1);
    metrics.hr += positions[p];
    metrics.ndcg += positions[p] / std::log2(place + 1.0);
    metrics.mrr += positions[p] / place;
  }
  metrics.precision = metrics.hr / k;
  metrics.f1 = 2.0 * metrics.hr / (k + 1.0);
  return metrics;
}

}  // namespace rondo
