#include <algorithm>
#include <numeric>

#include "coordinator/aggregators/krum_scores.h"
#include "coordinator/aggregators/rules.h"

namespace rondo::coordinator {

std::vector<double> KrumScores(const DistanceTable& distances,
                               std::span<const std::size_t> among,
                               std::size_t f) {
  const std::size_t n = among.size();
  const std::size_t wanted = n > f + 3 ? n - f - 2 : 1;
  const std::size_t nearest = std::min(wanted, n - 1);
  std::vector<double> scores;
  std::vector<double> others;
  for (const std::size_t a : among) {
    others.clear();
    for (const std::size_t b : among) {
      if (b != a) {
        others.push_back(distances.at(a, b));
      }
    }
    // Sorted, so that the sum does not depend on the order of the updates.
    std::sort(others.begin(), others.end());
    const auto end = others.begin() + static_cast<std::ptrdiff_t>(nearest);
    scores.push_back(std::accumulate(others.begin(), end, 0.0));
  }
  return scores;
}

namespace {

/// The rows of the `number` least scores, in their order.
std::vector<std::size_t> Best(const Updates& updates,
                              const RuleContext& context,
                              std::size_t number) {
  std::vector<std::size_t> rows(updates.count());
  std::iota(rows.begin(), rows.end(), 0);
  const std::vector<double> scores = KrumScores(PairwiseDistances(updates, context.workers),
                                                rows,
                                                static_cast<std::size_t>(context.config.f));
  std::stable_sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
    return scores[a] < scores[b];
  });
  rows.resize(number);
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace

Status Krum(const Updates& updates, const RuleContext& context, std::span<float> out) {
  std::copy_n(updates.rows[Best(updates, context, 1).front()], updates.size, out.begin());
  return Ok();
}

Status MultiKrum(const Updates& updates, const RuleContext& context, std::span<float> out) {
  const std::size_t n = updates.count();
  const std::size_t left_out = std::min(static_cast<std::size_t>(context.config.f), n - 1);
  MeanOf(updates, Best(updates, context, n - left_out), context.workers, out);
  return Ok();
}

}  // namespace rondo::coordinator
