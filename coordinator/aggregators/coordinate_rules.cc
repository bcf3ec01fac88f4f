#include "common/core/clones.h"
#include "coordinator/aggregators/columns.h"
#include "coordinator/aggregators/rules.h"

namespace rondo::coordinator {
namespace {

RONDO_CLONES void MeanWithoutEnds(const ColumnGroup& group, std::size_t dropped, Lanes& out) {
  double sums[kColumnLanes] = {};
  for (std::size_t i = dropped; i < group.rows - dropped; ++i) {
    for (std::size_t lane = 0; lane < kColumnLanes; ++lane) {
      sums[lane] += static_cast<double>(group.sorted[i].at[lane]);
    }
  }
  const auto number = static_cast<double>(group.rows - 2 * dropped);
  for (std::size_t lane = 0; lane < kColumnLanes; ++lane) {
    out.at[lane] = static_cast<float>(sums[lane] / number);
  }
}

}  // namespace

Status Median(const Updates& updates, const RuleContext& context, std::span<float> out) {
  ReduceColumns(
      updates.rows, MedianNetwork(updates.count()), &MiddleOfSorted, 0, context.workers, out);
  return Ok();
}

Status TrimmedMean(const Updates& updates, const RuleContext& context, std::span<float> out) {
  const std::size_t n = updates.count();
  const std::size_t dropped = std::min(static_cast<std::size_t>(context.config.f), (n - 1) / 2);
  ReduceColumns(updates.rows,
                SelectionNetwork(n, dropped, n - dropped),
                &MeanWithoutEnds,
                dropped,
                context.workers,
                out);
  return Ok();
}

Status MeanAroundMedianRule(const Updates& updates,
                            const RuleContext& context,
                            std::span<float> out) {
  const std::size_t n = updates.count();
  const std::size_t dropped = std::min(static_cast<std::size_t>(context.config.f), n - 1);
  MeanAroundMedian(updates.rows, n - dropped, context.workers, out);
  return Ok();
}

}  // namespace rondo::coordinator
