#include <algorithm>
#include <numeric>

#include "coordinator/aggregators/columns.h"
#include "coordinator/aggregators/krum_scores.h"
#include "coordinator/aggregators/rules.h"

namespace rondo::coordinator {
namespace {

/// a - b, but at least one.
std::size_t Less(std::size_t a, std::size_t b) {
  return a > b ? a - b : 1;
}

/// The rows that Krum takes one after the other, in order of rows.
std::vector<std::size_t> TakeByKrum(const DistanceTable& distances,
                                    std::size_t number,
                                    std::size_t f) {
  std::vector<std::size_t> left(distances.rows());
  std::iota(left.begin(), left.end(), 0);
  std::vector<std::size_t> taken;
  while (taken.size() < number) {
    const std::vector<double> scores = KrumScores(distances, left, f);
    const auto best = std::min_element(scores.begin(), scores.end()) - scores.begin();
    taken.push_back(left[static_cast<std::size_t>(best)]);
    left.erase(left.begin() + best);
  }
  std::sort(taken.begin(), taken.end());
  return taken;
}

}  // namespace

Status Bulyan(const Updates& updates, const RuleContext& context, std::span<float> out) {
  const auto f = static_cast<std::size_t>(context.config.f);
  const std::size_t number = Less(updates.count(), 2 * f);
  std::vector<float*> rows;
  for (const std::size_t row : TakeByKrum(PairwiseDistances(updates, context.workers), number, f)) {
    rows.push_back(updates.rows[row]);
  }
  MeanAroundMedian(rows, Less(number, 2 * f), context.workers, out);
  return Ok();
}

}  // namespace rondo::coordinator
